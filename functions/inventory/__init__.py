"""The inventory service: the catalogue, and the stock that orders reserve, buy and give back."""
