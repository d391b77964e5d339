"""The notification service: tells customers and the operator what became of an order, by e-mail."""
