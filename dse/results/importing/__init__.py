"""From the folder of a round, as MLCommons publishes it, to rows of the results database."""
