"""Where the parts of a JSON value stand."""

from collections.abc import Iterator, Mapping
from typing import Any


def paths_of(value: Any, path: str = "") -> Iterator[str]:
    """Yields the path of a value (empty) and of each of its parts, such as `.items[].sku`."""
    yield path
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from paths_of(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from paths_of(part, f"{path}[]")
