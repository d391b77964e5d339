"""Lambda without Docker: execution environments are worker processes on this machine."""
