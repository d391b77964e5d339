"""DynamoDB without Java: a server of its own on loopback, and the providers that forward to it."""
