"""Reading JSON fields: every fault is named, with its path."""

from typing import Any

import pytest

from shared.errors import FieldError, ValidationFailed
from shared.fields import Fields


def faults(fields: Fields) -> list[FieldError]:
    with pytest.raises(ValidationFailed) as caught:
        fields.check()
    return list(caught.value.errors)


def test_right_fields_are_read_and_nothing_is_reported() -> None:
    # Given
    fields = Fields({"name": " Ada ", "age": 36, "home": {"city": "London"}, "pets": [{"n": 1}]})

    # When
    read = (
        fields.text("name"),
        fields.integer("age"),
        fields.object("home").text("city"),
        [pet.integer("n") for pet in fields.objects("pets")],
    )

    # Then
    fields.check()
    assert read == ("Ada", 36, "London", [1])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "is required"),
        ({"n": None}, "is required"),
        ({"n": "2"}, "must be an integer"),
        ({"n": True}, "must be an integer"),
        ({"n": 2.0}, "must be an integer"),
        ({"n": 0}, "must be from 1 to 5"),
        ({"n": 6}, "must be from 1 to 5"),
    ],
)
def test_what_is_no_integer_within_its_bounds_is_reported(
    value: dict[str, Any], message: str
) -> None:
    # Given
    fields = Fields(value)

    # When
    fields.integer("n", minimum=1, maximum=5)

    # Then
    assert faults(fields) == [FieldError("n", message)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "is required"),
        ({"t": 1}, "must be a text"),
        ({"t": "  "}, "must not be empty"),
        ({"t": "aaaa"}, "must have at most 3 characters"),
        ({"t": "a\nb"}, "must not have control characters"),
        ({"t": "ab1"}, "must be letters"),
    ],
)
def test_what_is_no_text_of_the_right_form_is_reported(value: dict[str, Any], message: str) -> None:
    # Given
    fields = Fields(value)

    # When
    fields.text("t", max_length=3, pattern="[a-z]+", expected="must be letters")

    # Then
    assert faults(fields) == [FieldError("t", message)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "is required"),
        ({"l": {}}, "must be a list"),
        ({"l": []}, "must have at least 1"),
        ({"l": [{}, {}, {}]}, "must have at most 2"),
    ],
)
def test_what_is_no_list_of_the_right_length_is_reported(
    value: dict[str, Any], message: str
) -> None:
    # Given
    fields = Fields(value)

    # When
    elements = fields.objects("l", maximum=2)

    # Then
    assert elements == []
    assert faults(fields) == [FieldError("l", message)]


@pytest.mark.parametrize("value", [{}, {"t": None}])
def test_an_optional_text_may_be_missing_or_null(value: dict[str, Any]) -> None:
    # Given
    fields = Fields(value)

    # Then
    assert fields.optional_text("t") is None
    fields.check()


def test_an_optional_text_that_is_there_has_to_be_right() -> None:
    # Given
    fields = Fields({"t": "abc", "wrong": ""})

    # Then
    assert fields.optional_text("t") == "abc"
    fields.optional_text("wrong")
    assert faults(fields) == [FieldError("wrong", "must not be empty")]


def test_an_optional_object_may_be_missing_or_null_and_is_read_on_where_it_is_there() -> None:
    # Given
    fields = Fields({"null": None, "home": {"city": 7}})

    # Then
    assert fields.optional_object("missing") is None
    assert fields.optional_object("null") is None
    home = fields.optional_object("home")
    assert home is not None
    home.text("city")
    assert faults(fields) == [FieldError("home.city", "must be a text")]


def test_an_excerpt_takes_the_words_of_others_as_they_are() -> None:
    # Given
    fields = Fields({"cause": "line one\nline two", "number": 7})

    # Then
    assert fields.excerpt("cause", 10) == "line one\nl"
    assert fields.excerpt("number", 10) == fields.excerpt("missing", 10) == ""
    fields.check()


def test_all_faults_are_reported_at_once_with_their_paths() -> None:
    # Given
    fields = Fields({"lines": [{"sku": "a"}, {"sku": ""}, 3], "home": "London"})

    # When
    for line in fields.objects("lines"):
        line.text("sku")
        line.integer("quantity")
    fields.object("home").text("city")
    fields.text("name")

    # Then
    assert faults(fields) == [
        FieldError("lines[2]", "must be a JSON object"),
        FieldError("lines[0].quantity", "is required"),
        FieldError("lines[1].sku", "must not be empty"),
        FieldError("lines[1].quantity", "is required"),
        FieldError("home", "must be a JSON object"),
        FieldError("name", "is required"),
    ]


def test_a_missing_object_is_reported_with_the_field_that_is_wanted_of_it() -> None:
    # Given
    fields = Fields({})

    # When
    fields.object("payment").text("token")

    # Then
    assert faults(fields) == [FieldError("payment.token", "is required")]


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_a_body_that_is_no_object_is_one_fault(body: object) -> None:
    # Given
    fields = Fields(body)

    # When
    fields.text("name")

    # Then
    assert faults(fields) == [FieldError("body", "must be a JSON object")]


@pytest.mark.parametrize("texts", [[], ["a"], ["a", "b", "a"]])
def test_a_list_of_texts_is_read_as_it_is(texts: list[str]) -> None:
    assert Fields({"ids": texts}).texts("ids", maximum=3) == texts


@pytest.mark.parametrize(
    ("ids", "fault"),
    [
        (None, "is required"),
        ("a", "must be a list of texts"),
        (["a", 7], "must be a list of texts"),
        (["a", None], "must be a list of texts"),
        (["a"] * 4, "must have at most 3"),
    ],
)
def test_what_is_no_list_of_texts_is_a_fault(ids: object, fault: str) -> None:
    # Given
    fields = Fields({"ids": ids})

    # When
    assert fields.texts("ids", maximum=3) == []

    # Then
    assert faults(fields) == [FieldError("ids", fault)]
