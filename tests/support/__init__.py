"""What the tests against a running store share."""
