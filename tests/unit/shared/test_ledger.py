"""The books of a simulated partner: the rules of the DynamoDB rows, and of the fake."""

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from shared import dynamodb
from shared.dynamodb import query_rows
from shared.errors import StorageContention
from shared.ledger import Call, Ledger
from unit.fakes import FakeLedger

KEY = "key-1"
IDLE = {"moved_cents": 0}
BOOK = Call("book", "BOOKED", {"moved_cents": 5000})


@pytest.fixture(params=[FakeLedger, Ledger])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """A ledger in memory, and one in DynamoDB."""
    if request.param is FakeLedger:
        return FakeLedger()
    return Ledger(
        dynamodb.client(), request.getfixturevalue("payment_table"), "PROVIDER", "CHARGE", IDLE
    )


class TestRules:
    def test_a_key_has_no_row_until_one_is_written(self, ledger):
        assert ledger.read(KEY) == {}

    @pytest.mark.parametrize("value", ["text", 7, True, None, [{"sku": "mouse", "quantity": 1}]])
    def test_what_was_written_is_read(self, ledger, value):
        written = ledger.write(KEY, {"status": "BOOKED", "value": value}, BOOK)

        assert ledger.read(KEY) == written
        assert (written["status"], written["value"]) == ("BOOKED", value)

    def test_a_row_without_a_status_can_be_changed(self, ledger):
        ledger.write(KEY, {"attempts": 1}, BOOK)

        row = ledger.write(KEY, {"status": "BOOKED"}, BOOK)

        assert (row["attempts"], row["status"]) == (1, "BOOKED")

    def test_a_row_with_a_status_is_returned_as_it_is(self, ledger):
        first = ledger.write(KEY, {"status": "BOOKED"}, BOOK)

        assert ledger.write(KEY, {"status": "REJECTED", "attempts": 1}, BOOK) == first
        assert ledger.write(KEY, {"status": "REJECTED"}, BOOK, over=["CANCELLED"]) == first
        assert ledger.read(KEY) == first

    @pytest.mark.parametrize("over", [["BOOKED"], ["CANCELLED", "BOOKED"]])
    def test_a_row_with_a_status_that_may_change_is_changed(self, ledger, over):
        ledger.write(KEY, {"status": "BOOKED", "carrier": "Saga Parcel"}, BOOK)

        row = ledger.write(KEY, {"status": "CANCELLED"}, BOOK, over=over)

        assert (row["status"], row["carrier"]) == ("CANCELLED", "Saga Parcel")

    def test_keys_have_rows_of_their_own(self, ledger):
        ledger.write(KEY, {"status": "BOOKED"}, BOOK)

        assert ledger.read("key-2") == {}

    def test_an_amount_that_dynamodb_would_round_is_refused(self, ledger):
        with pytest.raises(TypeError):
            ledger.write(KEY, {"amount": 0.1}, BOOK)


def test_a_busy_table_is_contention(payment_table, monkeypatch):
    ledger = Ledger(dynamodb.client(), payment_table, "PROVIDER", "CHARGE", IDLE)

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "any")

    for call in ("get_item", "put_item", "transact_write_items"):
        monkeypatch.setattr(dynamodb.client(), call, refuse)

    with pytest.raises(StorageContention):
        ledger.read(KEY)
    with pytest.raises(StorageContention):
        ledger.write(KEY, {"status": "BOOKED"}, BOOK)
    with pytest.raises(StorageContention):
        ledger.record(KEY, "book", "UNAVAILABLE")


def calls(table: str) -> list[tuple[str, str, int]]:
    rows = query_rows(
        dynamodb.client(),
        table,
        "pk = :pk AND begins_with(sk, :calls)",
        {":pk": f"PROVIDER#{KEY}", ":calls": "CALL#"},
    )
    return [(row["call"], row["outcome"], row["moved_cents"]) for row in rows]


def test_every_call_has_a_row_and_only_one_that_changed_something_has_an_effect(payment_table):
    # Given
    ledger = Ledger(dynamodb.client(), payment_table, "PROVIDER", "CHARGE", IDLE)

    # When
    ledger.record(KEY, "find", "NOT_FOUND")
    for _ in range(2):
        ledger.write(KEY, {"status": "BOOKED"}, BOOK)

    # Then
    assert sorted(calls(payment_table)) == [
        ("book", "BOOKED", 5000),
        ("book", "REPEATED", 0),
        ("find", "NOT_FOUND", 0),
    ]


def test_an_effect_is_not_written_without_its_call(payment_table, monkeypatch):
    # Given a record that collides with one that is there
    ledger = Ledger(dynamodb.client(), payment_table, "PROVIDER", "CHARGE", IDLE)
    monkeypatch.setattr(
        dynamodb.client(), "put_item", lambda **_: pytest.fail("the call is written alone")
    )

    # When
    def refuse(**request: object) -> None:
        assert len(request["TransactItems"]) == 2
        raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "any")

    monkeypatch.setattr(dynamodb.client(), "transact_write_items", refuse)
    with pytest.raises(StorageContention):
        ledger.write(KEY, {"status": "BOOKED"}, BOOK)

    # Then
    assert ledger.read(KEY) == {}


def test_an_effect_whose_reply_was_lost_is_recorded_once(payment_table, monkeypatch):
    # Given a charge and its refund, which DynamoDB writes, and whose replies get lost
    ledger = Ledger(dynamodb.client(), payment_table, "PROVIDER", "CHARGE", IDLE)
    refund = Call("refund", "REFUNDED", {"moved_cents": -5000})
    write = dynamodb.client().transact_write_items

    def lose_reply(**request: object) -> None:
        write(**request)
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    with monkeypatch.context() as unlucky:
        unlucky.setattr(dynamodb.client(), "transact_write_items", lose_reply)
        with pytest.raises(StorageContention):
            ledger.write(KEY, {"status": "BOOKED"}, BOOK)
    ledger.write(KEY, {"status": "BOOKED"}, BOOK)
    with monkeypatch.context() as unlucky:
        unlucky.setattr(dynamodb.client(), "transact_write_items", lose_reply)
        with pytest.raises(StorageContention):
            ledger.write(KEY, {"status": "REFUNDED"}, refund, over=["BOOKED"])

    # When
    ledger.write(KEY, {"status": "REFUNDED"}, refund, over=["BOOKED"])

    # Then each effect is there once, and what was moved is what is held
    assert sorted(calls(payment_table)) == [
        ("book", "BOOKED", 5000),
        ("book", "REPEATED", 0),
        ("refund", "REFUNDED", -5000),
        ("refund", "REPEATED", 0),
    ]
