"""What an operator's program asks the service for, by calling its function."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from account.requests import new_password
from shared.fields import Fields


@dataclass(frozen=True, slots=True)
class AddOperator:
    """Have an account that may use the operators' routes: `{"email", "password"}`."""

    email: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> Self:
        """Raises ValidationFailed."""
        fields = Fields(payload)
        email = fields.email("email")
        password = new_password(fields, "password")
        fields.check()
        return cls(email, password)
