"""LocalStack's DynamoDB and DynamoDB Streams, answered by the server at DYNAMODB_SERVER_URL.

Selected with PROVIDER_OVERRIDE_DYNAMODB=embedded and PROVIDER_OVERRIDE_DYNAMODBSTREAMS=embedded.
Requests and answers pass through unchanged, with two exceptions: tables that exist from an earlier
run of the engine, and event source mappings, which wait for records instead of polling.
"""

import json
import os
import threading
from collections.abc import Mapping
from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext, ServiceRequest
from localstack.aws.skeleton import DispatchTable, Skeleton
from localstack.aws.spec import load_service
from localstack.http import Response
from localstack.services.plugins import Service, aws_provider

from localstack_embedded.dynamodb.backend import DynamoDbServer
from localstack_embedded.dynamodb.headers import CONSUMER_HEADER, WAIT_HEADER
from localstack_embedded.dynamodb.tables import (
    attribute_types,
    differences,
    missing_indexes,
    with_indexes,
)

# Short, because an engine that stops lets open requests finish.
_WAIT_SECONDS = 2


class TableLedger:
    """The tables that this engine has created.

    The server keeps its tables when the engine stops, and the engine forgets its stacks. The next
    deployment therefore creates tables that exist and hold data. CreateTable accepts such a table
    if it has the properties asked for, and adds missing indexes. It refuses a table that this
    engine has created, as AWS does.
    """

    def __init__(self, server: DynamoDbServer) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._created: set[tuple[str, str, str]] = set()

    def create(self, context: RequestContext, request: ServiceRequest) -> Response:
        wanted: Mapping[str, Any] = request
        name = wanted["TableName"]
        key = (context.account_id, context.region, name)
        with self._lock:
            response = self._server.forward(context)
            exists = "ResourceInUseException" in response.headers.get("x-amzn-errortype", "")
            if exists and key not in self._created:
                response = self._adopt(context, wanted)
            if response.status_code == 200:
                self._created.add(key)
            return response

    def delete(self, context: RequestContext, request: ServiceRequest) -> Response:
        wanted: Mapping[str, Any] = request
        with self._lock:
            response = self._server.forward(context)
            if response.status_code == 200:
                key = (context.account_id, context.region, wanted["TableName"])
                self._created.discard(key)
            return response

    def _adopt(self, context: RequestContext, wanted: Mapping[str, Any]) -> Response:
        name = wanted["TableName"]
        table = self._describe(context, name)
        missing = missing_indexes(wanted, table)
        differing = differences(wanted, with_indexes(table, missing, attribute_types(wanted)))
        if differing:
            raise CommonServiceException(
                "ResourceInUseException",
                f"Table already exists: {name}. It was left by an earlier run and differs from the "
                f"one requested in {', '.join(differing)}; delete it to have it created again.",
            )
        for index in missing:  # UpdateTable takes one at a time.
            update = {
                "TableName": name,
                "AttributeDefinitions": wanted["AttributeDefinitions"],
                "GlobalSecondaryIndexUpdates": [{"Create": index}],
            }
            response = self._server.call(context, "UpdateTable", json.dumps(update).encode())
            if response.status_code != 200:
                return response
        return Response(json.dumps({"TableDescription": self._describe(context, name)}))

    def _describe(self, context: RequestContext, name: str) -> Mapping[str, Any]:
        body = json.dumps({"TableName": name}).encode()
        answer = json.loads(self._server.call(context, "DescribeTable", body).get_data())
        table: Mapping[str, Any] = answer["Table"]
        return table


def _service(name: str, server: DynamoDbServer, own: DispatchTable) -> Service:
    """Returns a service that forwards its operations to the server, except its `own`."""
    model = load_service(name)
    operations: DispatchTable = {
        operation: lambda context, request: server.forward(context)
        for operation in model.operation_names
    }
    return Service(name, skeleton=Skeleton(model, operations | own))


@aws_provider(api="dynamodb", name="embedded")
def dynamodb() -> Service:
    server = DynamoDbServer(os.environ["DYNAMODB_SERVER_URL"])
    ledger = TableLedger(server)
    return _service(
        "dynamodb", server, {"CreateTable": ledger.create, "DeleteTable": ledger.delete}
    )


@aws_provider(api="dynamodbstreams", name="embedded")
def dynamodbstreams() -> Service:
    server = DynamoDbServer(os.environ["DYNAMODB_SERVER_URL"])

    def read(context: RequestContext, request: ServiceRequest) -> Response:
        """Names the function that an event source mapping reads for, and lets it wait."""
        origin: Mapping[str, Any] = context.internal_request_params or {}
        function = origin.get("source_arn")
        if origin.get("service_principal") != "lambda" or not function:
            return server.forward(context)
        headers = {CONSUMER_HEADER: function, WAIT_HEADER: str(_WAIT_SECONDS)}
        return server.forward(context, headers)

    return _service("dynamodbstreams", server, {"GetShardIterator": read, "GetRecords": read})
