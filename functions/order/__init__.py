"""The order service: takes orders, records what the saga does to them, tells their timelines."""
