"""The events' JSON Schemas, which producers are tested against, today's and the released ones."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from support.template import ROOT

SCHEMAS = ROOT / "functions" / "shared" / "schemas"
RELEASES = ROOT / "tests" / "contracts" / "released"
_METADATA = "metadata"
# Tells that an order has changed, not what happened to it: no log and no timeline has it.
_NO_STORY = "OrderChanged"


def event_types(folder: Path = SCHEMAS) -> list[str]:
    """Returns the types of all events that have a schema."""
    names = {path.name.split(".")[0] for path in folder.glob("*.v*.json")}
    return sorted(names - {_METADATA})


def order_event_types() -> list[str]:
    """Returns the types of all events that tell what happened to an order."""
    return [
        name
        for name in event_types()
        if "order_id" in schema(name)["properties"]["data"]["properties"] and name != _NO_STORY
    ]


def releases() -> list[Path]:
    """Returns the folders of the released schemas, the oldest version first."""
    return sorted(RELEASES.iterdir(), key=lambda folder: [int(n) for n in folder.name.split(".")])


def files(folder: Path = SCHEMAS) -> list[str]:
    """Returns the names of a folder's schema files, `OrderPlaced.v1.json`."""
    return sorted(path.name for path in folder.glob("*.json"))


@cache
def schema(name: str) -> dict[str, Any]:
    """Returns an event type's schema, or the metadata's."""
    return _load(SCHEMAS / f"{name}.v1.json")


@cache
def resolved(path: Path) -> dict[str, Any]:
    """Returns a schema file with its references to other files replaced by what they say."""
    replaced = _replaced(_load(path), path.parent)
    assert isinstance(replaced, dict)
    return replaced


def validate(event_type: str, detail: Mapping[str, Any]) -> None:
    """Raises jsonschema's ValidationError where `detail` is not what its schema says."""
    _validator(event_type).validate(detail)


@cache
def _validator(event_type: str) -> Draft202012Validator:
    registry: Registry[Any] = Registry().with_resources(
        (document["$id"], Resource.from_contents(document))
        for document in map(schema, (_METADATA, event_type))
    )
    return Draft202012Validator(schema(event_type), registry=registry)


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _replaced(part: Any, folder: Path) -> Any:
    if isinstance(part, Mapping):
        if "$ref" in part:
            return resolved(folder / part["$ref"])
        return {name: _replaced(value, folder) for name, value in part.items()}
    if isinstance(part, Iterable) and not isinstance(part, str):
        return [_replaced(value, folder) for value in part]
    return part
