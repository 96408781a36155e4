"""``dse device``: the boards of a fleet, each command in a module of its own."""
