"""The benchmark: measures a store of its own and prints each figure beside its target."""
