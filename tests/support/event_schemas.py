"""The events' JSON Schemas, which producers are tested against."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from support.template import ROOT

SCHEMAS = ROOT / "functions" / "shared" / "schemas"
_METADATA = "metadata"


def event_types() -> list[str]:
    """Returns the types of all events that have a schema."""
    names = sorted(path.name.removesuffix(".v1.json") for path in SCHEMAS.glob("*.v1.json"))
    return [name for name in names if name != _METADATA]


@cache
def schema(name: str) -> dict[str, Any]:
    """Returns an event type's schema, or the metadata's."""
    text = (SCHEMAS / f"{name}.v1.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


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
