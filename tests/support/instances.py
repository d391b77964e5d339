"""Makes events from their schemas, for consumers to cope with.

The libraries that do this (hypothesis-jsonschema, jsf) had their last release in early 2024; our
schemas use a dozen keywords.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

type Schema = Mapping[str, Any]

# Strings for the patterns in our schemas.
_EXAMPLES = (
    "ord_01JNQ4ZV8X0000000000000001",
    "acc_01JNQ4ZV8X0000000000000001",
    "evt_1NKK04QPZRFWFGGTWBS69EDDTN",
    "2026-03-01T09:30:00.125Z",
    "USD",
)
# Longer than what anyone expects, and not ASCII.
_LONG = "Łódź <b>&amp;</b> " * 20
_MANY = 30
_HUGE = 10**12


@dataclass(frozen=True, slots=True)
class Instance:
    """An event's detail, and what is special about it."""

    name: str
    detail: dict[str, Any]


def instances(schema: Schema) -> Iterator[Instance]:
    """Yields events that the schema allows.

    The least that it takes, the most, and beyond these two one for each listed value of an enum and
    one without each optional field.
    """
    yield Instance("minimal", _minimal(schema))
    most = _maximal(schema)
    yield Instance("maximal", most)
    for path, part in _parts(schema):
        for value in part.get("enum", ()):
            yield Instance(f"{'.'.join(path)} = {value}", _with(most, path, value))
        for field in sorted(part.get("properties", {}).keys() - set(part.get("required", ()))):
            name = f"without {'.'.join((*path, field))}"
            yield Instance(name, _without(most, (*path, field)))


def from_the_future(schema: Schema) -> Instance:
    """Returns an event as a later schema may have it: with fields and values still unknown."""
    detail = _maximal(schema)
    for path, part in _parts(schema):
        if "properties" in part:
            detail = _with(detail, (*path, "field_of_tomorrow"), {"unknown": True})
        if part.get("x-extensible"):
            detail = _with(detail, path, "REASON_OF_TOMORROW")
    return Instance("from the future", detail)


def _minimal(schema: Schema) -> Any:
    if "properties" in schema and "null" not in _types(schema):
        return {name: _minimal(schema["properties"][name]) for name in schema["required"]}
    return _value(schema, least=True)


def _maximal(schema: Schema) -> Any:
    if "properties" in schema:
        return {name: _maximal(part) for name, part in schema["properties"].items()}
    if "items" in schema:
        return [_maximal(schema["items"])] * _MANY
    return _value(schema, least=False)


def _value(schema: Schema, *, least: bool) -> Any:
    listed = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if listed:
        return listed[-1 if least else 0]
    types = _types(schema)
    if least and "null" in types:
        return None
    return _MAKERS[next(name for name in types if name != "null")](schema, least)


def _text(schema: Schema, least: bool) -> str:
    if "pattern" in schema:
        return next(text for text in _EXAMPLES if re.search(schema["pattern"], text))
    return "x" * schema.get("minLength", 0) if least else _LONG


_MAKERS: Mapping[str, Callable[[Schema, bool], Any]] = {
    "string": _text,
    "integer": lambda schema, least: schema.get("minimum", 0) if least else _HUGE,
    "boolean": lambda schema, least: not least,
    "array": lambda schema, least: [_minimal(schema["items"])] * schema.get("minItems", 0),
}


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _parts(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Yields the schema and all fields below it with their paths, lists left out."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from _parts(part, (*path, name))


def _with(detail: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Returns a copy with one value set; the path's objects must be there."""
    first, *rest = path
    return {**detail, first: _with(detail[first], tuple(rest), value) if rest else value}


def _without(detail: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    first, *rest = path
    if rest:
        return {**detail, first: _without(detail[first], tuple(rest))}
    return {name: value for name, value in detail.items() if name != first}
