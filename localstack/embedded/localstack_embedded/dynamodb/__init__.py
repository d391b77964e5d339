"""DynamoDB without Java: a server on loopback, and LocalStack providers that forward to it."""
