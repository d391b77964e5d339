"""What callers ask for over HTTP, read from a request's body."""

from dataclasses import dataclass, field
from typing import Any, Self

from account.passwords import MAX_LENGTH, MIN_LENGTH
from shared.fields import Fields

_MAX_TOKEN_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Register:
    """`POST /accounts`"""

    email: str
    name: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, body: Any) -> Self:
        fields = Fields(body)
        email = fields.email("email")
        name = fields.text("name", max_length=100)
        password = new_password(fields, "password")
        fields.check()
        return cls(email, name, password)


@dataclass(frozen=True, slots=True)
class SignIn:
    """`POST /sessions`"""

    email: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, body: Any) -> Self:
        fields = Fields(body)
        email = fields.email("email")
        password = known_password(fields, "password")
        fields.check()
        return cls(email, password)


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """`POST /accounts/me/password`"""

    current: str = field(repr=False)
    new: str = field(repr=False)

    @classmethod
    def read(cls, body: Any) -> Self:
        fields = Fields(body)
        current = known_password(fields, "current_password")
        new = new_password(fields, "new_password")
        fields.check()
        return cls(current, new)


def read_refresh_token(body: Any) -> str:
    """Reads `POST /sessions/refresh`."""
    fields = Fields(body)
    token = fields.secret("refresh_token", minimum=1, maximum=_MAX_TOKEN_LENGTH)
    fields.check()
    return token


def read_password(body: Any) -> str:
    """Reads `DELETE /accounts/me`."""
    fields = Fields(body)
    password = known_password(fields, "password")
    fields.check()
    return password


def new_password(fields: Fields, name: str) -> str:
    return fields.secret(name, minimum=MIN_LENGTH, maximum=MAX_LENGTH)


def known_password(fields: Fields, name: str) -> str:
    """Reads a password to compare: a short one is wrong, and not worth another answer."""
    return fields.secret(name, minimum=1, maximum=MAX_LENGTH)
