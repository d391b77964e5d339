"""The record of operations: begun before the effect, ended after it."""

import boto3
import pytest
from botocore.exceptions import ClientError

from sagashop_ops.journal import Journal, read_operations
from shared import dynamodb
from support.template import table_definition

TABLE = "shop-operations"


@pytest.fixture
def journal(aws: None) -> Journal:
    dynamodb.client().create_table(TableName=TABLE, **table_definition("OperationsTable"))
    return Journal(boto3.resource("dynamodb").Table(TABLE), "ada")


def test_an_operation_is_on_record_before_its_effect_and_complete_after_it(
    journal: Journal,
) -> None:
    with journal.record("redrive", "ord_1", "the provider is back", attempt=2) as outcome:
        (begun,) = read_operations(journal.table, 10)
        outcome.update(execution="ord_1-r1")
    (ended,) = read_operations(journal.table, 10)

    assert (begun.status, begun.ended_at) == ("BEGUN", None)
    assert (begun.action, begun.target, begun.operator) == ("redrive", "ord_1", "ada")
    assert begun.reason == "the provider is back"
    assert ended.status == "DONE"
    assert ended.ended_at is not None
    assert ended.begun_at <= ended.ended_at
    assert ended.details == {"attempt": 2, "execution": "ord_1-r1"}


def test_what_fails_is_on_record_with_its_error(journal: Journal) -> None:
    with pytest.raises(RuntimeError), journal.record("sweep", "all services", ""):
        raise RuntimeError("no engine")

    (operation,) = read_operations(journal.table, 10)
    assert (operation.status, operation.details) == ("FAILED", {"error": "no engine"})


def test_without_a_record_nothing_is_done(journal: Journal) -> None:
    journal.table.delete()

    with pytest.raises(ClientError), journal.record("drop dead letter", "x", "y"):
        pytest.fail("the effect came before the record")


def test_the_last_operations_are_listed_oldest_first(journal: Journal) -> None:
    for number in range(5):
        with journal.record("replay", f"consumer-{number}", ""):
            pass

    assert [o.target for o in read_operations(journal.table, 3)] == [
        "consumer-2",
        "consumer-3",
        "consumer-4",
    ]
    assert read_operations(journal.table, 1)[0].target in str(read_operations(journal.table, 1)[0])
