"""Rows and DynamoDB's failures, as the repositories see them."""

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from shared import dynamodb
from shared.dynamodb import ConditionFailed, from_item, to_item, transact_write, typed_failures
from shared.errors import StorageContention


def client_error(code: str, reasons: list[dict[str, Any]] | None = None) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": code}}
    if reasons is not None:
        response["CancellationReasons"] = reasons
    return ClientError(response, "TransactWriteItems")


def test_a_row_reads_back_as_it_was_written() -> None:
    # Given
    row = {
        "text": "ä",
        "number": 2**53,
        "flag": True,
        "nothing": None,
        "list": [1, {"deep": "x"}],
        "map": {},
    }

    # Then
    assert from_item(to_item(row)) == row


def test_a_float_is_refused_because_it_would_round_an_amount() -> None:
    with pytest.raises(TypeError, match="Float"):
        to_item({"amount": 1.5})


def test_a_set_in_a_row_is_refused() -> None:
    with pytest.raises(TypeError, match="type SS"):
        from_item({"tags": {"SS": ["a"]}})


def test_a_failed_condition_says_which_item_and_what_was_there(order_table: str) -> None:
    # Given
    client = dynamodb.client()
    client.put_item(TableName=order_table, Item=to_item({"pk": "a", "sk": "a", "who": "first"}))

    # When
    with pytest.raises(ConditionFailed) as caught:
        transact_write(
            client,
            [
                {"Put": {"TableName": order_table, "Item": to_item({"pk": "b", "sk": "b"})}},
                {
                    "Put": {
                        "TableName": order_table,
                        "Item": to_item({"pk": "a", "sk": "a"}),
                        "ConditionExpression": "attribute_not_exists(pk)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
            ],
        )

    # Then
    assert caught.value.failed == {1: {"pk": "a", "sk": "a", "who": "first"}}
    assert "Item" not in client.get_item(TableName=order_table, Key=to_item({"pk": "b", "sk": "b"}))


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException"),
        client_error("ProvisionedThroughputExceededException"),
        client_error("TransactionConflictException"),
        client_error(
            "TransactionCanceledException", [{"Code": "None"}, {"Code": "TransactionConflict"}]
        ),
        client_error("TransactionCanceledException", [{"Code": "ThrottlingError"}]),
    ],
)
def test_a_busy_table_is_contention(error: ClientError) -> None:
    with pytest.raises(StorageContention), typed_failures():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        ConnectTimeoutError(endpoint_url="http://127.0.0.1:1"),
        ReadTimeoutError(endpoint_url="http://127.0.0.1:1"),
        ConnectionClosedError(endpoint_url="http://127.0.0.1:1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_table_that_does_not_answer_is_contention(error: BotoCoreError) -> None:
    with pytest.raises(StorageContention), typed_failures():
        raise error


def test_a_failed_condition_wins_over_a_conflict_in_the_same_transaction() -> None:
    # Given
    error = client_error(
        "TransactionCanceledException",
        [{"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed"}],
    )

    # When
    with pytest.raises(ConditionFailed) as caught, typed_failures():
        raise error

    # Then
    assert caught.value.failed == {1: None}


def test_a_single_writes_failed_condition_is_at_position_0() -> None:
    # When
    with pytest.raises(ConditionFailed) as caught, typed_failures():
        raise client_error("ConditionalCheckFailedException")

    # Then
    assert caught.value.failed == {0: None}


@pytest.mark.parametrize(
    "error",
    [
        client_error("ResourceNotFoundException"),
        client_error("TransactionCanceledException", [{"Code": "ItemCollectionSizeLimitExceeded"}]),
    ],
)
def test_any_other_failure_passes_as_it_is(error: ClientError) -> None:
    with pytest.raises(ClientError) as caught, typed_failures():
        raise error
    assert caught.value is error
