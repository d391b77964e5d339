"""The command line's commands by theme; each parses, calls its module, and prints."""
