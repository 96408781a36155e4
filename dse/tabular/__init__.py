"""Recorded measurements as a table: a CSV file with a line for each configuration and what was measured."""
