"""Time: aware UTC, written as ISO-8601 with milliseconds and `Z`, so that text sorts as time does.

Handlers call `clock.now()` and pass the time inwards; tests replace that one function.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Returns the current time, aware, in UTC."""
    return datetime.now(UTC)


def to_iso(at: datetime) -> str:
    """Returns an aware time such as `2026-03-01T09:30:00.125Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """Returns the aware time that `to_iso` wrote; raises ValueError for any other text."""
    return datetime.fromisoformat(text)
