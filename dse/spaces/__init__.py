"""Search spaces as YAML files: reading them with errors that name the line, and resolving what they mention."""
