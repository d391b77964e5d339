"""The books of a simulated partner: the rules of the DynamoDB rows, and of the fake."""

import pytest
from botocore.exceptions import ClientError

from shared import dynamodb
from shared.errors import StorageContention
from shared.ledger import Ledger
from unit.fakes import FakeLedger

KEY = "key-1"


@pytest.fixture(params=[FakeLedger, Ledger])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """A ledger in memory, and one in DynamoDB."""
    if request.param is FakeLedger:
        return FakeLedger()
    return Ledger(dynamodb.client(), request.getfixturevalue("payment_table"), "PROVIDER", "CHARGE")


class TestRules:
    def test_a_key_has_no_row_until_one_is_written(self, ledger):
        assert ledger.read(KEY) == {}

    @pytest.mark.parametrize("value", ["text", 7, True, None, [{"sku": "mouse", "quantity": 1}]])
    def test_what_was_written_is_read(self, ledger, value):
        written = ledger.write(KEY, {"status": "BOOKED", "value": value})

        assert ledger.read(KEY) == written
        assert (written["status"], written["value"]) == ("BOOKED", value)

    def test_a_row_without_a_status_can_be_changed(self, ledger):
        ledger.write(KEY, {"attempts": 1})

        row = ledger.write(KEY, {"status": "BOOKED"})

        assert (row["attempts"], row["status"]) == (1, "BOOKED")

    def test_a_row_with_a_status_is_returned_as_it_is(self, ledger):
        first = ledger.write(KEY, {"status": "BOOKED"})

        assert ledger.write(KEY, {"status": "REJECTED", "attempts": 1}) == first
        assert ledger.write(KEY, {"status": "REJECTED"}, over=["CANCELLED"]) == first
        assert ledger.read(KEY) == first

    @pytest.mark.parametrize("over", [["BOOKED"], ["CANCELLED", "BOOKED"]])
    def test_a_row_with_a_status_that_may_change_is_changed(self, ledger, over):
        ledger.write(KEY, {"status": "BOOKED", "carrier": "Saga Parcel"})

        row = ledger.write(KEY, {"status": "CANCELLED"}, over=over)

        assert (row["status"], row["carrier"]) == ("CANCELLED", "Saga Parcel")

    def test_keys_have_rows_of_their_own(self, ledger):
        ledger.write(KEY, {"status": "BOOKED"})

        assert ledger.read("key-2") == {}

    def test_an_amount_that_dynamodb_would_round_is_refused(self, ledger):
        with pytest.raises(TypeError):
            ledger.write(KEY, {"amount": 0.1})


def test_a_busy_table_is_contention(payment_table, monkeypatch):
    ledger = Ledger(dynamodb.client(), payment_table, "PROVIDER", "CHARGE")

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "any")

    for call in ("get_item", "update_item"):
        monkeypatch.setattr(dynamodb.client(), call, refuse)

    with pytest.raises(StorageContention):
        ledger.read(KEY)
    with pytest.raises(StorageContention):
        ledger.write(KEY, {"status": "BOOKED"})
