"""The order service: takes orders, records what the saga did to them, and tells their story."""
