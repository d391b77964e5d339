"""What a DynamoDB server leaves behind when it is killed, and what the next one makes of it."""

import json
import time
from typing import Any

import pytest
import urllib3

from localstack_embedded.dynamodb.headers import CONSUMER_HEADER, WAIT_HEADER
from support.dynamodb_server import KEYS, STREAM, MortalDynamoDb, an_item
from support.template import table_definition

TABLE = "orders"


class Reader:
    """An event source mapping, as the server sees it."""

    def __init__(self, server: MortalDynamoDb, name: str) -> None:
        self._server = server
        self._headers = {CONSUMER_HEADER: name}
        self._iterator = ""

    def start(self, stream_arn: str) -> None:
        """Begins where a new mapping begins: at the oldest record."""
        shard = self._call("DescribeStream", StreamArn=stream_arn)["StreamDescription"]["Shards"][0]
        self._iterator = self._call(
            "GetShardIterator",
            StreamArn=stream_arn,
            ShardId=shard["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]

    def read(self, wait_seconds: float = 0) -> list[str]:
        """Returns the partition keys of the next records; those read before are dealt with."""
        self._headers[WAIT_HEADER] = str(wait_seconds)
        answer = self._call("GetRecords", ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        return [record["dynamodb"]["Keys"]["pk"]["S"] for record in answer["Records"]]

    def _call(self, action: str, **parameters: str) -> Any:
        target = {"x-amz-target": f"DynamoDBStreams_20120810.{action}"}
        body = json.dumps(parameters)
        answer = urllib3.request(
            "POST", self._server.url, body=body, headers=target | self._headers
        )
        assert answer.status == 200, answer.data
        return answer.json()


@pytest.fixture
def stream_arn(mortal_dynamodb: MortalDynamoDb) -> str:
    """The stream of a table on the server."""
    table = mortal_dynamodb.client_of("dynamodb").create_table(TableName=TABLE, **KEYS, **STREAM)
    return str(table["TableDescription"]["LatestStreamArn"])


def test_a_killed_server_has_lost_nothing(mortal_dynamodb: MortalDynamoDb, stream_arn: str) -> None:
    # Given items of all fates, and a table's settings
    dynamodb = mortal_dynamodb.client_of("dynamodb")
    ttl = {"Enabled": True, "AttributeName": "expires_at"}
    dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=ttl)
    for pk in ("kept", "changed", "deleted"):
        dynamodb.put_item(TableName=TABLE, Item=an_item(pk, n=1))
    dynamodb.delete_item(TableName=TABLE, Key=an_item("deleted"))
    dynamodb.transact_write_items(
        TransactItems=[
            {
                "Update": {
                    "TableName": TABLE,
                    "Key": an_item("changed"),
                    "UpdateExpression": "SET n = n + :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
            {"Put": {"TableName": TABLE, "Item": an_item("written together")}},
        ]
    )

    # When the server is killed and started again
    mortal_dynamodb.kill()
    mortal_dynamodb.start()

    # Then all is as it was, its counters too
    items = dynamodb.scan(TableName=TABLE)["Items"]
    assert sorted(item["pk"]["S"] for item in items) == ["changed", "kept", "written together"]
    assert dynamodb.get_item(TableName=TABLE, Key=an_item("changed"))["Item"]["n"] == {"N": "2"}
    table = dynamodb.describe_table(TableName=TABLE)["Table"]
    assert (table["ItemCount"], table["LatestStreamArn"]) == (3, stream_arn)
    setting = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert setting == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_a_server_that_is_asked_to_stop_stops(mortal_dynamodb: MortalDynamoDb) -> None:
    assert mortal_dynamodb.stop() == 0


def test_a_table_that_was_deleted_stays_so(
    mortal_dynamodb: MortalDynamoDb, stream_arn: str
) -> None:
    dynamodb = mortal_dynamodb.client_of("dynamodb")
    dynamodb.put_item(TableName=TABLE, Item=an_item("old"))

    dynamodb.delete_table(TableName=TABLE)
    mortal_dynamodb.kill()
    mortal_dynamodb.start()

    assert dynamodb.list_tables()["TableNames"] == []
    new = dynamodb.create_table(TableName=TABLE, **KEYS, **STREAM)["TableDescription"]
    assert new["LatestStreamArn"] != stream_arn
    assert dynamodb.scan(TableName=TABLE)["Items"] == []


def test_a_mapping_resumes_with_the_records_that_it_has_not_dealt_with(
    mortal_dynamodb: MortalDynamoDb, stream_arn: str
) -> None:
    # Given a mapping that has dealt with one record, and was given another
    dynamodb = mortal_dynamodb.client_of("dynamodb")
    reader = Reader(mortal_dynamodb, "relay")
    reader.start(stream_arn)
    dynamodb.put_item(TableName=TABLE, Item=an_item("first"))
    assert reader.read() == ["first"]
    assert reader.read() == []
    dynamodb.put_item(TableName=TABLE, Item=an_item("second"))
    assert reader.read() == ["second"]

    # When everything is killed, and the next engine makes the mapping anew
    mortal_dynamodb.kill()
    mortal_dynamodb.start()
    again, newcomer = Reader(mortal_dynamodb, "relay"), Reader(mortal_dynamodb, "another")
    again.start(stream_arn)
    newcomer.start(stream_arn)

    # Then it gets what it may not have dealt with, and a new one gets all
    assert again.read() == ["second"]
    assert newcomer.read() == ["first", "second"]


def test_a_mapping_that_waits_gets_a_record_at_once(
    mortal_dynamodb: MortalDynamoDb, stream_arn: str
) -> None:
    reader = Reader(mortal_dynamodb, "relay")
    reader.start(stream_arn)
    started = time.monotonic()
    assert reader.read(wait_seconds=0.2) == []
    assert time.monotonic() - started >= 0.2

    mortal_dynamodb.client_of("dynamodb").put_item(TableName=TABLE, Item=an_item("order"))

    assert reader.read(wait_seconds=60) == ["order"]
    assert time.monotonic() - started < 60


def test_the_sparse_index_is_what_it_was_when_its_server_is_killed(
    mortal_dynamodb: MortalDynamoDb,
) -> None:
    # Given the orders' table, with rows that entered its index, and one that left it again
    dynamodb = mortal_dynamodb.client_of("dynamodb")
    dynamodb.create_table(TableName=TABLE, **table_definition("OrderTable"))
    for number in range(4):
        row = an_item(f"order-{number}") | {"updated_at": {"S": f"2026-03-0{4 - number}"}}
        dynamodb.put_item(TableName=TABLE, Item=row | {"unsettled": {"S": "Y"}})
    dynamodb.put_item(TableName=TABLE, Item=an_item("event"))
    dynamodb.update_item(
        TableName=TABLE, Key=an_item("order-1"), UpdateExpression="REMOVE unsettled"
    )

    # When
    mortal_dynamodb.kill()
    mortal_dynamodb.start()

    # Then the others are in it, those at rest longest first
    query = {
        "TableName": TABLE,
        "IndexName": "unsettled",
        "KeyConditionExpression": "unsettled = :yes AND updated_at < :now",
        "ExpressionAttributeValues": {":yes": {"S": "Y"}, ":now": {"S": "2026-03-04"}},
    }
    found = dynamodb.query(**query)["Items"]
    assert [row["pk"]["S"] for row in found] == ["order-3", "order-2"]

    # Then a reader continues behind a row, also where the row is not there any more
    place = {name: found[0][name] for name in ("pk", "sk", "unsettled", "updated_at")}
    dynamodb.delete_item(TableName=TABLE, Key=an_item("order-3"))
    (following,) = dynamodb.query(**query, ExclusiveStartKey=place)["Items"]
    assert following["pk"]["S"] == "order-2"
