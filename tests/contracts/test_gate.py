"""The gate itself: every kind of breaking change is caught, additions pass."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from support.compatibility import Break, Broken, UnknownKeyword, breaks

type Change = Callable[[dict[str, Any]], object]

RELEASED: dict[str, Any] = {
    "title": "OrderShipped",
    "type": "object",
    "additionalProperties": False,
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "additionalProperties": False,
            "required": [
                "weight",
                "carrier",
                "stage",
                "reason",
                "parcels",
                "shipped_at",
                "version",
            ],
            "properties": {
                "weight": {"type": "integer", "minimum": 1, "maximum": 100},
                "carrier": {"type": "string", "minLength": 2, "maxLength": 20},
                "stage": {"enum": ["PACKED", "SENT"]},
                "reason": {"enum": ["LATE", "LOST"], "x-extensible": True},
                "parcels": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 9,
                    "items": {
                        "type": "object",
                        "required": ["label"],
                        "properties": {"label": {"type": "string"}},
                    },
                },
                "shipped_at": {"type": "string", "pattern": "^[0-9]+$"},
                "version": {"const": 1},
                "note": {"type": ["string", "null"]},
            },
        }
    },
}


def changed(change: Change) -> dict[str, Any]:
    """Returns the schema after a change of its data's part."""
    now = copy.deepcopy(RELEASED)
    change(now["properties"]["data"])
    return now


def found(change: Change) -> list[tuple[str, str, Broken]]:
    """Returns what the gate says of a change."""
    return [(each.field, each.change, each.broken) for each in breaks(RELEASED, changed(change))]


def of(field: str, **keywords: Any) -> Change:
    """A change of one field's keywords; None takes one away."""

    def change(data: dict[str, Any]) -> None:
        part = data["properties"][field]
        part.update(keywords)
        for keyword in [name for name, value in keywords.items() if value is None]:
            del part[keyword]

    return change


def label(data: dict[str, Any]) -> dict[str, Any]:
    """The label of a parcel."""
    part: dict[str, Any] = data["properties"]["parcels"]["items"]
    return part


@pytest.mark.parametrize(
    ("change", "field", "what", "broken"),
    [
        (lambda data: data["properties"].pop("weight"), "weight", "field removed", "FORWARD"),
        (lambda data: data["properties"].pop("note"), "note", "field removed", "FORWARD"),
        (
            lambda data: data["required"].remove("weight"),
            "weight",
            "required field made optional",
            "FORWARD",
        ),
        (
            lambda data: data["required"].append("note"),
            "note",
            "optional field made required",
            "BACKWARD",
        ),
        (
            lambda data: (
                data["required"].append("depot"),
                data["properties"].update(depot={"type": "string"}),
            ),
            "depot",
            "required field added",
            "BACKWARD",
        ),
        (of("weight", type="number"), "weight", "type widened by number", "FORWARD"),
        (of("weight", type=["integer", "null"]), "weight", "type widened by null", "FORWARD"),
        (of("weight", type=None), "weight", "type widened by", "FORWARD"),
        (of("note", type="string"), "note", "type narrowed by null", "BACKWARD"),
        (of("stage", enum=["PACKED", "SENT", "LOST"]), "stage", "values added: LOST", "FORWARD"),
        (of("stage", enum=["SENT"]), "stage", "values removed: PACKED", "BACKWARD"),
        (of("reason", enum=["LATE"]), "reason", "values removed: LOST", "BACKWARD"),
        (
            of("reason", enum=["LATE", "LOST", None]),
            "reason",
            "type widened by null",
            "FORWARD",
        ),
        (
            of("stage", enum=None, type="string"),
            "stage",
            "no longer limited to listed values",
            "FORWARD",
        ),
        (of("carrier", enum=["DHL"]), "carrier", "limited to listed values", "BACKWARD"),
        (of("shipped_at", pattern=None), "shipped_at", "pattern changed", "FORWARD"),
        (of("carrier", pattern="^D"), "carrier", "pattern changed", "BACKWARD"),
        (of("weight", minimum=0), "weight", "minimum loosened", "FORWARD"),
        (of("weight", minimum=None), "weight", "minimum loosened", "FORWARD"),
        (of("weight", minimum=2), "weight", "minimum tightened", "BACKWARD"),
        (of("weight", maximum=101), "weight", "maximum loosened", "FORWARD"),
        (of("weight", maximum=99), "weight", "maximum tightened", "BACKWARD"),
        (of("carrier", minLength=1), "carrier", "minLength loosened", "FORWARD"),
        (of("carrier", maxLength=19), "carrier", "maxLength tightened", "BACKWARD"),
        (of("parcels", minItems=0), "parcels", "minItems loosened", "FORWARD"),
        (of("parcels", maxItems=8), "parcels", "maxItems tightened", "BACKWARD"),
        (
            lambda data: label(data)["required"].clear(),
            "parcels[].label",
            "required field made optional",
            "FORWARD",
        ),
        (
            lambda data: label(data)["properties"].update(label={"type": ["string", "null"]}),
            "parcels[].label",
            "type widened by null",
            "FORWARD",
        ),
    ],
)
def test_a_breaking_change_is_caught_and_named(
    change: Change, field: str, what: str, broken: str
) -> None:
    assert any(
        (name, who) == (f"data.{field}", Broken[broken]) and said.startswith(what)
        for name, said, who in found(change)
    )


def test_a_changed_pattern_breaks_both_ways() -> None:
    found_now = found(of("shipped_at", pattern="^[0-9]{2,}$"))

    assert {broken for _, _, broken in found_now} == {Broken.FORWARD, Broken.BACKWARD}


def test_another_version_number_under_the_same_name_breaks_both_ways() -> None:
    found_now = found(of("version", const=2))

    assert {broken for _, _, broken in found_now} == {Broken.FORWARD, Broken.BACKWARD}


@pytest.mark.parametrize(
    "change",
    [
        lambda data: None,
        lambda data: data["properties"].update(depot={"type": "string"}),
        lambda data: label(data)["properties"].update(colour={"enum": ["RED"]}),
        of("reason", enum=["LATE", "LOST", "STOLEN"]),
        of("stage", **{"x-extensible": True}),
        of("weight", description="In grams.", examples=[3]),
        of("version", const=None, enum=[1]),
    ],
    ids=[
        "none",
        "an optional field",
        "an optional field in a list",
        "a value of an extensible enum",
        "an enum that is from now on extensible",
        "words",
        "the same said otherwise",
    ],
)
def test_an_additive_change_passes(change: Change) -> None:
    assert found(change) == []


def test_an_enum_is_extensible_only_from_the_release_on_that_says_so() -> None:
    # When: it is marked and grows at once, which its readers were not told of in time.
    found_now = found(of("stage", enum=["PACKED", "SENT", "LOST"], **{"x-extensible": True}))

    # Then
    assert found_now == [("data.stage", "values added: LOST", Broken.FORWARD)]


def test_a_keyword_that_the_gate_cannot_judge_is_refused() -> None:
    with pytest.raises(UnknownKeyword, match=r"data\.note: oneOf"):
        breaks(RELEASED, changed(of("note", oneOf=[])))


def test_a_break_reads_as_a_sentence() -> None:
    assert str(Break("data.weight", "field removed", Broken.FORWARD)) == (
        "data.weight: field removed "
        "(forward: readers of the released schema cannot read what is written now)"
    )
