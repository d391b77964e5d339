"""The command-line tool behind the Makefile."""
