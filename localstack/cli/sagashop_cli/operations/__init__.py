"""What an operator does to a running store, one operation a module; each leaves a record."""
