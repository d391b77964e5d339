"""Lengths of time for people."""

from datetime import timedelta


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
