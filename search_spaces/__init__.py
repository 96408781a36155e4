"""The search spaces that ship, and the model zoo and data set that the default one needs."""
