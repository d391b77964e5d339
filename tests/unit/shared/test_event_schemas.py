"""The events' contracts: sound themselves, strict about what they let through, and documented."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from builders import ORDER_ID, ORIGIN, PLACED_AT, an_order
from order import domain
from shared.events import DomainEvent
from support.event_schemas import event_types, schema, validate
from support.template import ROOT


@pytest.fixture
def placed() -> dict[str, Any]:
    """A right OrderPlaced."""
    event = domain.place(an_order().build(), ORIGIN).event
    assert event is not None
    return event.envelope()


@pytest.mark.parametrize("event_type", event_types())
def test_a_schema_is_sound_strict_and_named_after_its_event(event_type: str) -> None:
    # Given
    document = schema(event_type)

    # Then
    Draft202012Validator.check_schema(document)
    assert document["title"] == event_type
    data = document["properties"]["data"]
    assert document["additionalProperties"] is data["additionalProperties"] is False
    assert len({"order_id", "account_id"} & set(data["required"])) == 1


@pytest.mark.parametrize("event_type", event_types())
def test_every_event_is_in_the_reference_with_all_its_fields(event_type: str) -> None:
    # Given
    reference = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")

    # When
    (section,) = (part for part in reference.split("\n### ") if part.startswith(f"{event_type}\n"))

    # Then
    for field in schema(event_type)["properties"]["data"]["properties"].keys() - {
        "order_id",
        "account_id",
    }:
        assert f"`{field}`" in section


def test_a_right_event_passes(placed: dict[str, Any]) -> None:
    validate("OrderPlaced", placed)


def test_an_event_tells_its_place_in_its_orders_story_where_it_is_known() -> None:
    data = {"items": [{"sku": "product-001", "quantity": 1}]}
    told = DomainEvent("order", "OrderPlaced", ORDER_ID, PLACED_AT, ORIGIN, data, sequence=1)
    unknown = replace(told, sequence=None)

    assert told.envelope()["metadata"]["sequence"] == told.published().sequence == 1
    assert "sequence" not in unknown.envelope()["metadata"]
    assert unknown.published().sequence is None
    for event in (told, unknown):
        validate("OrderPlaced", event.envelope())


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("data", "email", "ada@example.com"),
        ("data", "items", []),
        ("data", "order_id", "1"),
        ("metadata", "event_id", "1"),
        ("metadata", "schema_version", 2),
        ("metadata", "occurred_at", "2026-03-01 09:30"),
        ("metadata", "sequence", 0),
        ("metadata", "sequence", None),
        ("metadata", "hostname", "lambda-1"),
    ],
)
def test_a_wrong_or_unknown_field_does_not_pass(
    part: str, field: str, value: object, placed: dict[str, Any]
) -> None:
    # Given
    wrong = copy.deepcopy(placed)

    # When
    wrong[part][field] = value

    # Then
    with pytest.raises(ValidationError):
        validate("OrderPlaced", wrong)
