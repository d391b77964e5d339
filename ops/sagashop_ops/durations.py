"""Times and lengths of time, as people read and write them."""

from datetime import datetime, timedelta

from sagashop_ops.errors import InvalidArgument


def in_words(time: timedelta) -> str:
    """Returns a length of time in its two largest units.

    >>> [in_words(timedelta(seconds=seconds)) for seconds in (42, 502, 7320, 100_000)]
    ['42 s', '8 min 22 s', '2 h 2 min', '1 d 3 h']
    """
    seconds = int(time.total_seconds())
    for large, small, size, part in (
        ("d", "h", 86_400, 3_600),
        ("h", "min", 3_600, 60),
        ("min", "s", 60, 1),
    ):
        if seconds >= size:
            return f"{seconds // size} {large} {seconds % size // part} {small}"
    return f"{seconds} s"


def read_since(text: str, now: datetime) -> datetime:
    """Reads a time, `2026-03-01T09:30Z`, or how long ago it was: `30s`, `90m`, `2h`, `7d`.

    A time without a zone is this machine's. Raises InvalidArgument.

    >>> from datetime import UTC
    >>> read_since("90m", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)).isoformat()
    '2026-03-01T08:00:00+00:00'
    """
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if text[:-1].isdecimal() and text[-1:] in units:
        return now - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as exc:
        raise InvalidArgument(
            f"{text!r} is not a time. Write 2026-03-01T09:30, or how long ago: 90m"
        ) from exc
