"""What several test modules share: a running store, fakes, the template and the schemas."""
