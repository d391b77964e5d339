"""The account service: who may sign in, and their sessions."""
