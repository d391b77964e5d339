"""Files with secrets in them, which only their owner may read."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replaces a file's content in one step; nobody else can read it, not even half-written."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)  # it would keep the mode that it has
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
