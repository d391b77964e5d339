"""Whether a table that exists is the table that CreateTable asks for."""

from collections.abc import Callable, Mapping
from typing import Any

Definition = Mapping[str, Any]
"""A CreateTable request, or the TableDescription in DescribeTable's answer."""


def differences(wanted: Definition, existing: Definition) -> list[str]:
    """The names of the properties in which two tables differ, of those that decide what a table can
    hold and how it is read: keys, indexes, billing mode and stream."""
    return [name for name, read in _PROPERTIES.items() if read(wanted) != read(existing)]


def _keys(definition: Definition) -> list[tuple[str, str]]:
    return [(key["AttributeName"], key["KeyType"]) for key in definition["KeySchema"]]


def _attributes(definition: Definition) -> dict[str, str]:
    return {
        attribute["AttributeName"]: attribute["AttributeType"]
        for attribute in definition["AttributeDefinitions"]
    }


def _billing_mode(definition: Definition) -> str:
    summary = definition.get("BillingModeSummary", definition)
    return str(summary.get("BillingMode", "PROVISIONED"))


def _stream(definition: Definition) -> str | None:
    specification = definition.get("StreamSpecification") or {}
    return specification.get("StreamViewType") if specification.get("StreamEnabled") else None


def _indexes(kind: str) -> Callable[[Definition], dict[str, Any]]:
    def read(definition: Definition) -> dict[str, Any]:
        return {
            index["IndexName"]: (
                _keys(index),
                index["Projection"].get("ProjectionType"),
                sorted(index["Projection"].get("NonKeyAttributes") or ()),
            )
            for index in definition.get(kind) or ()
        }

    return read


_PROPERTIES: dict[str, Callable[[Definition], Any]] = {
    "KeySchema": _keys,
    "AttributeDefinitions": _attributes,
    "BillingMode": _billing_mode,
    "StreamSpecification": _stream,
    "GlobalSecondaryIndexes": _indexes("GlobalSecondaryIndexes"),
    "LocalSecondaryIndexes": _indexes("LocalSecondaryIndexes"),
}
