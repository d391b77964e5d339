"""The payment service: charges an order once, through a provider, and can always undo it."""
