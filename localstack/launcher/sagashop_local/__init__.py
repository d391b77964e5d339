"""Starts the local cloud, deploys the store to it and seeds it."""
