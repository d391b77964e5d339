"""Tells whether a change of an event's schema breaks somebody, within one schema version.

The terms are the schema registries' own (https://docs.confluent.io/platform/current/schema-registry/
fundamentals/schema-evolution.html). A change is

- *forward* compatible where readers made for the released schema read what is written now: services
  are deployed one after another, and other teams' consumers at a time of their own;
- *backward* compatible where today's readers read what was written under the released schema: the
  order's log, a dead-letter queue and a replay hand over old events.

A version promises both. Readers drop fields that they don't know, so that one may be added.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

type Schema = Mapping[str, Any]
"""A JSON Schema with its references resolved, made of the keywords below alone."""

EXTENSIBLE = "x-extensible"
"""Marks an enum that may grow: its readers were told to cope with a value that they don't know."""

_ANNOTATIONS = {"$schema", "$id", "title", "description", "examples", EXTENSIBLE}
# What limits a value from below and from above. JSON Schema has more keywords than these; one that
# is not judged here must not slip through.
_FLOORS = {"minimum", "minLength", "minItems"}
_CEILINGS = {"maximum", "maxLength", "maxItems"}
_JUDGED = {
    "type",
    "enum",
    "const",
    "pattern",
    "properties",
    "required",
    "additionalProperties",
    "items",
    *_FLOORS,
    *_CEILINGS,
}
_TYPE_OF = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


class Broken(StrEnum):
    """Who is broken by a change."""

    FORWARD = "forward: readers of the released schema cannot read what is written now"
    BACKWARD = "backward: today's readers cannot read what was written under the released schema"


@dataclass(frozen=True, slots=True, order=True)
class Break:
    """A change that breaks somebody: `data.reason.code: values added (…)`."""

    field: str
    change: str
    broken: Broken

    def __str__(self) -> str:
        return f"{self.field}: {self.change} ({self.broken})"


class UnknownKeyword(Exception):
    """A schema uses a keyword that the gate cannot judge: teach it, or do without the keyword."""


def breaks(released: Schema, now: Schema, field: str = "") -> list[Break]:
    """Returns the breaking changes from the released schema of an event to today's."""
    return list(_breaks(released, now, field))


def _breaks(released: Schema, now: Schema, field: str) -> Iterator[Break]:
    for schema in (released, now):
        if unknown := schema.keys() - _ANNOTATIONS - _JUDGED:
            raise UnknownKeyword(f"{field or 'the event'}: {', '.join(sorted(unknown))}")
    yield from _type_breaks(released, now, field)
    yield from _value_breaks(released, now, field)
    yield from _limit_breaks(released, now, field)
    yield from _property_breaks(released, now, field)
    if "items" in released and "items" in now:
        yield from _breaks(released["items"], now["items"], f"{field}[]")


def _type_breaks(released: Schema, now: Schema, field: str) -> Iterator[Break]:
    before, after = _types(released), _types(now)
    if wider := {name for name in after if not _covers(before, name)}:
        yield Break(field, f"type widened by {_listed(wider)}", Broken.FORWARD)
    if narrower := {name for name in before if not _covers(after, name)}:
        yield Break(field, f"type narrowed by {_listed(narrower)}", Broken.BACKWARD)


def _value_breaks(released: Schema, now: Schema, field: str) -> Iterator[Break]:
    before, after = _values(released), _values(now)
    if before is None and after is not None:
        yield Break(field, "limited to listed values", Broken.BACKWARD)
    elif before is not None and after is None:
        yield Break(field, "no longer limited to listed values", Broken.FORWARD)
    elif before is not None and after is not None:
        if removed := before - after:
            yield Break(field, f"values removed: {_listed(removed)}", Broken.BACKWARD)
        if (added := after - before) and not released.get(EXTENSIBLE):
            yield Break(field, f"values added: {_listed(added)}", Broken.FORWARD)


def _limit_breaks(released: Schema, now: Schema, field: str) -> Iterator[Break]:
    if released.get("pattern") != now.get("pattern"):
        # Whether one pattern takes all that another takes is beyond this gate.
        if "pattern" in now:
            yield Break(field, "pattern changed", Broken.BACKWARD)
        if "pattern" in released:
            yield Break(field, "pattern changed", Broken.FORWARD)
    for keyword in sorted(_FLOORS | _CEILINGS):
        sign, none = (1, float("-inf")) if keyword in _FLOORS else (-1, float("inf"))
        before, after = released.get(keyword, none), now.get(keyword, none)
        if sign * after < sign * before:
            yield Break(field, f"{keyword} loosened", Broken.FORWARD)
        elif sign * after > sign * before:
            yield Break(field, f"{keyword} tightened", Broken.BACKWARD)


def _property_breaks(released: Schema, now: Schema, field: str) -> Iterator[Break]:
    before, after = released.get("properties", {}), now.get("properties", {})
    had_to, have_to = set(released.get("required", ())), set(now.get("required", ()))
    for name in before:
        path = f"{field}.{name}" if field else name
        if name not in after:
            # Also where it was optional: its readers were promised it, and its name can now come
            # back with another meaning.
            yield Break(path, "field removed", Broken.FORWARD)
            continue
        if name in had_to - have_to:
            yield Break(path, "required field made optional", Broken.FORWARD)
        elif name in have_to - had_to:
            yield Break(path, "optional field made required", Broken.BACKWARD)
        yield from _breaks(before[name], after[name], path)
    for name in after.keys() - before.keys():
        if name in have_to:
            path = f"{field}.{name}" if field else name
            yield Break(path, "required field added", Broken.BACKWARD)


def _types(schema: Schema) -> set[str]:
    """Returns the types that a value may have; a schema that doesn't say takes every type."""
    values = _values(schema)
    if values is not None:
        return {_TYPE_OF[type(value)] for value in values}
    named = schema.get("type", [name for name in _TYPE_OF.values() if name != "integer"])
    return {named} if isinstance(named, str) else set(named)


def _covers(types: set[str], name: str) -> bool:
    return name in types or (name == "integer" and "number" in types)


def _values(schema: Schema) -> set[Any] | None:
    """Returns the values that are allowed, None where they are not listed."""
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def _listed(values: set[Any]) -> str:
    return ", ".join(sorted(str(value) for value in values))
