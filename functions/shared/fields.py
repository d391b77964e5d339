"""Reads typed values out of parsed JSON and names every field that is wrong, not only the first.

    fields = Fields({"items": [{"sku": "product-001", "quantity": "2"}]})
    lines = [(line.text("sku"), line.integer("quantity")) for line in fields.objects("items")]
    fields.check()  # ValidationFailed: items[0].quantity: must be an integer

A parser of its own instead of a library, because it is loaded by every function: importing
pydantic takes a third as long as making the DynamoDB client does.
"""

import re
from collections.abc import Mapping
from typing import Any

from shared.errors import FieldError, ValidationFailed

_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s.]+"


class Fields:
    """One JSON object being read. A wrong field reads as an empty value until `check` raises."""

    def __init__(
        self, value: object, *, path: str = "", errors: list[FieldError] | None = None
    ) -> None:
        self._errors: list[FieldError] = [] if errors is None else errors
        self._path = path
        self._values: Mapping[str, Any] = value if isinstance(value, dict) else {}
        self._is_object = isinstance(value, dict)
        if not self._is_object:
            self._errors.append(FieldError(path or "body", "must be a JSON object"))

    def text(
        self,
        name: str,
        *,
        max_length: int = 1000,
        pattern: str | None = None,
        expected: str = "has the wrong form",
    ) -> str:
        """Returns a text without surrounding blanks; `expected` says what `pattern` asks for."""
        value = self._values.get(name)
        if value is None:
            return self._missing(name)
        if not isinstance(value, str):
            return self._wrong(name, "must be a text")
        value = value.strip()
        if not value:
            fault = "must not be empty"
        elif len(value) > max_length:
            fault = f"must have at most {max_length} characters"
        elif not value.isprintable():
            fault = "must not have control characters"
        elif pattern is not None and not re.fullmatch(pattern, value):
            fault = expected
        else:
            return value
        return self._wrong(name, fault)

    def email(self, name: str) -> str:
        """Returns an e-mail address as it was written, without surrounding blanks."""
        return self.text(name, max_length=254, pattern=_EMAIL, expected="must be an e-mail address")

    def secret(self, name: str, *, minimum: int, maximum: int) -> str:
        """Returns a text exactly as it was sent, of `minimum` to `maximum` characters."""
        value = self._values.get(name)
        if value is None:
            return self._missing(name)
        if not isinstance(value, str) or not _is_unicode(value):
            return self._wrong(name, "must be a text")
        if not minimum <= len(value) <= maximum:
            return self._wrong(name, f"must have from {minimum} to {maximum} characters")
        return value

    def optional_text(self, name: str, *, max_length: int = 1000) -> str | None:
        """Returns a text, or None where it is missing or null."""
        return None if self._values.get(name) is None else self.text(name, max_length=max_length)

    def excerpt(self, name: str, length: int) -> str:
        """Returns the beginning of a text that is only kept, however it looks; empty if missing."""
        value = self._values.get(name)
        return value[:length] if isinstance(value, str) else ""

    def integer(self, name: str, *, minimum: int = 0, maximum: int = 2**53 - 1) -> int:
        """Returns an integer within the bounds, both included; `true` and `2.0` are none."""
        value = self._values.get(name)
        if value is None:
            self._missing(name)
        elif isinstance(value, bool) or not isinstance(value, int):
            self._wrong(name, "must be an integer")
        elif not minimum <= value <= maximum:
            self._wrong(name, f"must be from {minimum} to {maximum}")
        else:
            return value
        return minimum

    def optional_integer(self, name: str, *, minimum: int = 0) -> int | None:
        """Returns an integer that is not below `minimum`, or None where it is missing or null."""
        return None if self._values.get(name) is None else self.integer(name, minimum=minimum)

    def object(self, name: str) -> "Fields":
        """Returns a nested object to read on; of a missing one, all wanted fields are missing."""
        value = self._values.get(name)
        return Fields({} if value is None else value, path=self._path_of(name), errors=self._errors)

    def optional_object(self, name: str) -> "Fields | None":
        """Returns a nested object to read on, or None where it is missing or null."""
        return None if self._values.get(name) is None else self.object(name)

    def texts(self, name: str, *, maximum: int = 100) -> list[str]:
        """Returns a list of up to `maximum` texts, which may be empty."""
        value = self._values.get(name)
        if value is None:
            self._missing(name)
        elif not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._wrong(name, "must be a list of texts")
        elif len(value) > maximum:
            self._wrong(name, f"must have at most {maximum}")
        else:
            return value
        return []

    def objects(self, name: str, *, minimum: int = 1, maximum: int = 100) -> list["Fields"]:
        """Returns the objects of a list that has from `minimum` to `maximum` of them."""
        value = self._values.get(name)
        if value is None:
            self._missing(name)
        elif not isinstance(value, list):
            self._wrong(name, "must be a list")
        elif len(value) < minimum:
            self._wrong(name, f"must have at least {minimum}")
        elif len(value) > maximum:
            self._wrong(name, f"must have at most {maximum}")
        else:
            path = self._path_of(name)
            return [
                Fields(element, path=f"{path}[{index}]", errors=self._errors)
                for index, element in enumerate(value)
            ]
        return []

    def check(self) -> None:
        """Raises ValidationFailed with all that was wrong, here and in what was read from here."""
        if self._errors:
            raise ValidationFailed(self._errors)

    def _path_of(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _missing(self, name: str) -> str:
        if not self._is_object:
            return ""  # the object itself is what is wrong, and that is reported
        return self._wrong(name, "is required")

    def _wrong(self, name: str, message: str) -> str:
        self._errors.append(FieldError(self._path_of(name), message))
        return ""


def _is_unicode(text: str) -> bool:
    """JSON can spell half a character, which no encoding can."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
