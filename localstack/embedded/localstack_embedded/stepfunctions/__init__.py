"""What Step Functions does again and again, done once."""
