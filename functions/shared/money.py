"""Money is an integer of minor units (cents) and a currency; a float never holds an amount."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of an ISO 4217 currency, such as `Money(129_900, "USD")`."""

    cents: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.cents, bool) or not isinstance(self.cents, int):
            raise TypeError(f"an amount is an integer of minor units, not {self.cents!r}")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency code")

    def __add__(self, other: "Money") -> "Money":
        """Adds amounts; raises ValueError where the currencies differ."""
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.cents + other.cents, self.currency)

    def __mul__(self, quantity: int) -> "Money":
        """Returns the price of `quantity` units."""
        return Money(self.cents * quantity, self.currency)

    def __str__(self) -> str:
        """Returns the amount for people, `12.99 USD`; right for currencies of two decimals."""
        sign = "-" if self.cents < 0 else ""
        return f"{sign}{abs(self.cents) // 100}.{abs(self.cents) % 100:02d} {self.currency}"
