"""The examples in docstrings do what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# LocalStack's own modules are in another environment; what imports them cannot be imported here.
FOLDERS = [
    ROOT / "docs",
    ROOT / "functions",
    ROOT / "localstack/launcher",
    ROOT / "ops",
    ROOT / "localstack/embedded",
]
NEEDS_LOCALSTACK = "\nfrom localstack."


def modules_with_examples() -> list[str]:
    """Returns the names of the importable modules with an example in them."""
    return sorted(
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for folder in FOLDERS
        for path in folder.rglob("*.py")
        if ">>> " in (text := path.read_text(encoding="utf-8")) and NEEDS_LOCALSTACK not in text
    )


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))

    assert results.attempted
    assert not results.failed
