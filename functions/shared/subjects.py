"""Whom a request speaks for: an account that somebody signed in to, or one order's own token."""

from dataclasses import dataclass
from typing import Literal

type Role = Literal["customer", "operator"]


@dataclass(frozen=True, slots=True)
class AccountSubject:
    """Whoever signed in to an account, what the account may do, and since which sign-in."""

    account_id: str
    role: Role
    session_id: str | None = None

    @property
    def is_operator(self) -> bool:
        return self.role == "operator"


@dataclass(frozen=True, slots=True)
class OrderSubject:
    """Whoever holds one order's own token; that opens this order only."""

    order_id: str


type Subject = AccountSubject | OrderSubject
