"""DynamoDB servers of the tests' own, for tests of their end and of what is left after it."""

import socket
import subprocess
from pathlib import Path
from typing import Any

import boto3

from localstack_embedded.dynamodb.command import dynamodb_server_command
from support.engines import ENVIRONMENTS, is_listening
from support.waiting import eventually

KEYS = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
}
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}


def an_item(pk: str, **numbers: int) -> dict[str, Any]:
    """An item with that partition key, in DynamoDB's JSON."""
    return {"pk": {"S": pk}, "sk": {"S": "-"}} | {
        name: {"N": str(number)} for name, number in numbers.items()
    }


class MortalDynamoDb:
    """A server on a free port that can be killed and started again over the same files."""

    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._home = home
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def client_of(self, service: str) -> Any:
        """Returns a boto3 client of `dynamodb` or `dynamodbstreams`."""
        session = boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
        )
        return session.client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    def start(self) -> None:
        command, environment = dynamodb_server_command(
            ENVIRONMENTS / "dynamodb" / "bin" / "python", self.port, self._home
        )
        process = subprocess.Popen(
            command, cwd=self._home, env=environment, stderr=subprocess.DEVNULL
        )
        self._process = process
        eventually(lambda: is_listening(self.port) or process.poll() is not None, every=0.02)
        assert process.poll() is None

    def kill(self) -> None:
        """Ends the server with SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """Ends the server with SIGTERM; returns its exit code."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait()
        self._process = None
        return code
