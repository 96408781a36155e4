"""What an entry of a registry has to satisfy: classes of tests, which a test of the entry subclasses. Needs pytest."""
