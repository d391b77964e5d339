"""The operator's tools for a store, on AWS or on this machine."""
