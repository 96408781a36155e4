"""``dse results``: its commands, their options, and how rows and fronts are shown."""
