"""Ids, times, money and settings."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared import clock, ids, settings
from shared.errors import ConfigurationError
from shared.money import Money

AT = datetime(2026, 3, 1, 9, 30, 0, 125_999, tzinfo=UTC)


def test_new_ids_sort_by_the_time_they_were_made() -> None:
    # When
    made = [ids.new_id("ord", AT + timedelta(milliseconds=offset)) for offset in range(50)]

    # Then
    assert made == sorted(made)
    assert len(set(made)) == 50
    assert all(len(one) == len("ord_") + 26 for one in made)


def test_ids_made_in_the_same_millisecond_differ() -> None:
    assert ids.new_id("ord", AT) != ids.new_id("ord", AT)


def test_an_event_of_the_same_order_and_type_always_has_the_same_id() -> None:
    assert ids.event_id("ord_1", "OrderPlaced") == ids.event_id("ord_1", "OrderPlaced")


def test_other_orders_and_types_have_other_event_ids() -> None:
    # When
    made = {
        ids.event_id("ord_1", "OrderPlaced"),
        ids.event_id("ord_1", "OrderCompleted"),
        ids.event_id("ord_2", "OrderPlaced"),
        ids.event_id("ord_", "1OrderPlaced"),
        ids.event_id("ord_1", "OrderPlaced", 2),
        ids.event_id("ord_1", "OrderPlaced", 3),
    }

    # Then
    assert len(made) == 6


def test_the_first_occurrence_of_an_event_has_the_id_that_it_always_had() -> None:
    assert ids.event_id("ord_1", "OrderRedriven", 1) == ids.event_id("ord_1", "OrderRedriven")


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    # Given
    in_paris = AT.astimezone(timezone(timedelta(hours=1)))

    # Then
    assert clock.to_iso(in_paris) == "2026-03-01T09:30:00.125Z"


def test_a_time_on_the_full_second_keeps_its_milliseconds_so_that_texts_sort() -> None:
    assert clock.to_iso(AT.replace(microsecond=0)) == "2026-03-01T09:30:00.000Z"


def test_a_written_time_reads_back_aware() -> None:
    # When
    read = clock.from_iso("2026-03-01T09:30:00.125Z")

    # Then
    assert read == AT.replace(microsecond=125_000)
    assert read.tzinfo is UTC


def test_the_clock_is_aware_and_in_utc() -> None:
    assert clock.now().tzinfo is UTC


def test_money_adds_up_and_multiplies() -> None:
    assert Money(129_900, "USD") * 2 + Money(250, "USD") == Money(260_050, "USD")


@pytest.mark.parametrize(
    ("cents", "text"), [(129_905, "1299.05 USD"), (5, "0.05 USD"), (-250, "-2.50 USD")]
)
def test_money_is_written_for_people(cents: int, text: str) -> None:
    assert str(Money(cents, "USD")) == text


def test_two_currencies_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="cannot add EUR to USD"):
        _ = Money(1, "USD") + Money(1, "EUR")


@pytest.mark.parametrize("cents", [1.5, True, "1"])
def test_an_amount_that_is_no_integer_is_refused(cents: int) -> None:
    with pytest.raises(TypeError, match="integer of minor units"):
        Money(cents, "USD")


@pytest.mark.parametrize("currency", ["usd", "US", "DOLLAR"])
def test_a_currency_that_is_no_code_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)


@dataclass(frozen=True)
class ExampleSettings:
    table_name: str
    limit: int
    timeout_seconds: float = 1.0


def test_settings_are_read_from_the_variables_of_their_names() -> None:
    # When
    loaded = settings.load(ExampleSettings, {"TABLE_NAME": "orders", "LIMIT": "3"})

    # Then
    assert loaded == ExampleSettings("orders", 3, 1.0)


def test_every_missing_or_senseless_variable_is_named_at_once() -> None:
    # When
    with pytest.raises(ConfigurationError) as caught:
        settings.load(ExampleSettings, {"LIMIT": "three", "TIMEOUT_SECONDS": "0.5"})

    # Then
    assert str(caught.value) == (
        "ExampleSettings: TABLE_NAME is not set; LIMIT is 'three', not int"
    )


def test_an_empty_variable_counts_as_missing() -> None:
    with pytest.raises(ConfigurationError, match="TABLE_NAME is not set"):
        settings.load(ExampleSettings, {"TABLE_NAME": "", "LIMIT": "3"})


def test_the_trace_id_is_the_root_of_lambdas_header(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setenv(
        "_X_AMZN_TRACE_ID",
        "Root=1-67c2d3e4-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1",
    )

    # Then
    assert settings.trace_id() == "1-67c2d3e4-0123456789abcdef01234567"


@pytest.mark.parametrize("header", ["", "Root=", "Root=1-67c2;Sampled=1", "Parent=1", "nonsense"])
def test_a_tracing_header_without_a_sane_root_has_no_trace_id(header: str) -> None:
    assert settings.root_of_trace(header) is None


def test_a_new_trace_id_has_x_rays_form_and_is_its_own() -> None:
    # When
    made = {ids.new_trace_id(AT) for _ in range(2)}

    # Then
    assert len(made) == 2
    assert all(settings.root_of_trace(f"Self=1;Root={trace_id}") == trace_id for trace_id in made)


def test_without_lambdas_header_there_is_no_trace_id(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)

    # Then
    assert settings.trace_id() is None
