"""The shipping service: books an order's parcel with a carrier once, and can always call it off."""
