"""The search: which configuration to measure next, and the loop that measures it."""
