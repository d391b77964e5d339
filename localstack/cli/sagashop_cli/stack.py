"""stack.json: what other programs need to know to use a running store."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stack:
    """One deployed store, in the shape of its stack.json.

    `tables` maps a service's name to its table, `dead_letter_queues` a queue's logical name to its
    URL. No URL ends with a slash except the storefront's.
    """

    endpoint_url: str
    region: str
    stack_name: str
    api_url: str
    storefront_url: str
    websocket_url: str | None
    event_bus_name: str
    state_machine_arn: str
    tables: Mapping[str, str]
    dead_letter_queues: Mapping[str, str]
    log_file: str

    def save(self, path: Path) -> None:
        """Writes the file in one step, so that nobody ever reads half of it."""
        write_atomically(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Stack":
        """Reads the file; raises FileNotFoundError where no store was ever deployed."""
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**fields)


def write_atomically(path: Path, text: str) -> None:
    """Replaces a file's content, or leaves the old one when the machine stops half way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
