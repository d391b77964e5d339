"""Whether a table that exists is the table that CreateTable asks for, or can become it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Definition = Mapping[str, Any]
"""A CreateTable request, or the TableDescription in DescribeTable's answer."""


def differences(wanted: Definition, existing: Definition) -> list[str]:
    """Returns the names of the properties in which two tables differ: of their keys, attributes,
    indexes, billing mode and stream."""
    found = _properties(existing)
    return [name for name, value in _properties(wanted).items() if value != found[name]]


def missing_indexes(wanted: Definition, existing: Definition) -> list[Mapping[str, Any]]:
    """Returns the global secondary indexes that are wanted and, by their names, missing."""
    names = {index["IndexName"] for index in existing.get("GlobalSecondaryIndexes") or ()}
    return [
        index
        for index in wanted.get("GlobalSecondaryIndexes") or ()
        if index["IndexName"] not in names
    ]


def with_indexes(
    existing: Definition, indexes: Sequence[Mapping[str, Any]], attributes: Mapping[str, str]
) -> Definition:
    """Returns a table with further indexes; `attributes` has the types of their keys."""
    keys = {name: attributes[name] for index in indexes for name, _ in _keys(index)}
    return {
        **existing,
        "GlobalSecondaryIndexes": [*(existing.get("GlobalSecondaryIndexes") or ()), *indexes],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (keys | attribute_types(existing)).items()
        ],
    }


def attribute_types(definition: Definition) -> dict[str, str]:
    """Returns the types of the attributes that a table declares: `{"pk": "S"}`."""
    return {
        attribute["AttributeName"]: attribute["AttributeType"]
        for attribute in definition["AttributeDefinitions"]
    }


def _keys(definition: Definition) -> list[tuple[str, str]]:
    return [(key["AttributeName"], key["KeyType"]) for key in definition["KeySchema"]]


def _indexes(indexes: Iterable[Definition]) -> dict[str, Any]:
    return {
        index["IndexName"]: (
            _keys(index),
            index["Projection"].get("ProjectionType"),
            sorted(index["Projection"].get("NonKeyAttributes") or ()),
        )
        for index in indexes
    }


def _properties(definition: Definition) -> dict[str, Any]:
    """Returns a table's properties in a form that is the same for a request and a description."""
    billing = definition.get("BillingModeSummary", definition)
    stream = definition.get("StreamSpecification") or {}
    return {
        "KeySchema": _keys(definition),
        "AttributeDefinitions": attribute_types(definition),
        "BillingMode": billing.get("BillingMode", "PROVISIONED"),
        "StreamSpecification": (
            stream.get("StreamViewType") if stream.get("StreamEnabled") else None
        ),
        "GlobalSecondaryIndexes": _indexes(definition.get("GlobalSecondaryIndexes") or ()),
        "LocalSecondaryIndexes": _indexes(definition.get("LocalSecondaryIndexes") or ()),
    }
