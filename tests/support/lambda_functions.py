"""Tiny Lambda functions, made from source text for one test."""

import base64
import io
import json
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from support.waiting import eventually

ROLE = "arn:aws:iam::000000000000:role/tests"


@dataclass(frozen=True)
class Answer:
    """What one call gave back: the JSON, whether it was an error, and the log's tail."""

    value: Any
    is_error: bool
    log: str


def zip_of(source: str) -> bytes:
    """A package with one module, `app`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("app.py", source)
    return archive.getvalue()


class LambdaFunctions:
    """Makes functions on one engine, calls them, and deletes them all at the end."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        self._names: list[str] = []
        self._session = boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=region
        )
        self._endpoint_url = endpoint_url
        # A call that is retried would hide a failure, and count twice.
        self._config = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
        self.client = self.client_of("lambda")

    def client_of(self, service: str) -> Any:
        """Returns a boto3 client of the same engine."""
        return self._session.client(  # type: ignore[call-overload]
            service, endpoint_url=self._endpoint_url, config=self._config
        )

    def create(
        self,
        source: str,
        *,
        timeout_seconds: int = 10,
        variables: dict[str, str] | None = None,
        directory: Path | None = None,
    ) -> str:
        """Makes a function of a module's source with a `handler` in it; returns its name.

        With `directory`, the source is written there and runs from there (hot reload).
        """
        name = f"test-{uuid.uuid4().hex[:12]}"
        code: dict[str, Any] = {"ZipFile": zip_of(source)}
        if directory is not None:
            (directory / "app.py").write_text(source)
            code = {"S3Bucket": "hot-reload", "S3Key": str(directory)}
        self.client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE,
            Handler="app.handler",
            Code=code,
            Timeout=timeout_seconds,
            Environment={"Variables": variables or {}},
        )
        self._names.append(name)
        self.wait_until_ready(name)
        return name

    def update(self, name: str, source: str) -> None:
        """Deploys other code."""
        self.client.update_function_code(FunctionName=name, ZipFile=zip_of(source))
        self.wait_until_ready(name)

    def wait_until_ready(self, name: str) -> None:
        eventually(
            lambda: self.client.get_function_configuration(FunctionName=name),
            until=lambda function: (
                function["State"] == "Active" and function["LastUpdateStatus"] == "Successful"
            ),
            every=0.02,
        )

    def call(self, name: str, event: object = None, **parameters: str) -> Answer:
        """Calls a function and waits for its answer."""
        response = self.client.invoke(
            FunctionName=name, Payload=json.dumps(event), LogType="Tail", **parameters
        )
        return Answer(
            value=json.loads(response["Payload"].read()),
            is_error="FunctionError" in response,
            log=base64.b64decode(response["LogResult"]).decode(),
        )

    def delete_all(self) -> None:
        for name in self._names:
            self.client.delete_function(FunctionName=name)
