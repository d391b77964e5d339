"""The benchmark: measures a store of its own, prints each figure beside its target, keeps the samples."""
