"""What customers and operators ask for over HTTP, read from a request's body and headers."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Self

from order.domain import ORDER_ID_PREFIX, Address, Line, Order, merge_lines
from shared import ids
from shared.errors import FieldError, ValidationFailed
from shared.fields import Fields

MAX_LINES = 25
MAX_PAGE = 50
DEFAULT_PAGE = 20
MAX_QUANTITY = 1000
MAX_TOKEN_LENGTH = 200
_LIMIT = re.compile("[0-9]{1,4}")
# What a header can hold without being encoded.
_IDEMPOTENCY_KEY = r"[!-~]+"


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """`POST /orders`, valid, with its lines merged by SKU."""

    lines: tuple[Line, ...]
    email: str
    shipping_address: Address
    payment_token: str | None
    idempotency_key: str | None
    account_id: str | None = None

    @classmethod
    def read(cls, body: Any, idempotency_key: str | None, account_id: str | None = None) -> Self:
        """Reads the body and the `Idempotency-Key`; raises ValidationFailed naming each fault.

        Without a `payment`, or without its `token`, the customer pays later.
        """
        errors: list[FieldError] = []
        fields = Fields(body, errors=errors)
        lines = [
            Line(
                sku=item.text("sku", max_length=64),
                quantity=item.integer("quantity", minimum=1, maximum=MAX_QUANTITY),
            )
            for item in fields.objects("items", maximum=MAX_LINES)
        ]
        email = fields.email("email")
        address = fields.object("shipping_address")
        shipping_address = Address(
            street=address.text("street", max_length=200),
            city=address.text("city", max_length=100),
            state=address.text("state", max_length=100),
            zip_code=address.text("zip_code", max_length=20),
            country=address.text("country", max_length=60),
        )
        payment = fields.object("payment")
        payment_token = payment.optional_text("token", max_length=MAX_TOKEN_LENGTH)
        if idempotency_key is not None:
            idempotency_key = Fields({"Idempotency-Key": idempotency_key}, errors=errors).text(
                "Idempotency-Key",
                max_length=255,
                pattern=_IDEMPOTENCY_KEY,
                expected="must be printable ASCII without blanks",
            )
        fields.check()
        return cls(
            merge_lines(lines), email, shipping_address, payment_token, idempotency_key, account_id
        )

    @property
    def caller(self) -> str:
        """Who orders: an account or, without one, whoever uses the e-mail address."""
        return self.account_id or self.email.lower()

    @property
    def own_key(self) -> str | None:
        """The idempotency key as its caller's own; None without one.

        Two callers may use the same key.
        """
        if self.idempotency_key is None:
            return None
        owned = f"{self.caller} {self.idempotency_key}"
        return hashlib.sha256(owned.encode()).hexdigest()

    def asks_for(self, order: Order) -> bool:
        """Whether this is a request for the same as the one that placed the order.

        What counts is what is bought, by whom, and where it goes; not the order of the lines, nor
        the payment token: a client may get a new one for each attempt.
        """
        return (
            _quantities(self.lines) == _quantities(order.lines)
            and self.email == order.email
            and self.shipping_address == order.shipping_address
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: at most `limit` orders, those placed before the order `before` if any."""

    limit: int
    before: str | None

    @classmethod
    def read(cls, limit: str | None, cursor: str | None) -> Self:
        """Reads `?limit=…&cursor=…`; raises ValidationFailed naming each fault."""
        errors: list[FieldError] = []
        size = int(limit) if limit is not None and _LIMIT.fullmatch(limit) else 0
        if limit is not None and not 1 <= size <= MAX_PAGE:
            errors.append(FieldError("limit", f"must be from 1 to {MAX_PAGE}"))
        if cursor is not None and not ids.is_id(ORDER_ID_PREFIX, cursor):
            errors.append(FieldError("cursor", "must be the next_cursor of a page"))
        if errors:
            raise ValidationFailed(errors)
        return cls(size or DEFAULT_PAGE, cursor)


def _quantities(lines: tuple[Line, ...]) -> dict[str, int]:
    return {line.sku: line.quantity for line in lines}
