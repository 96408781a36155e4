"""Published MLPerf results and one's own: import of result trees, one table, fronts by any grouping."""
