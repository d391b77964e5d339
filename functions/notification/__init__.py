"""The notification service: e-mails customers and the operator about orders."""
