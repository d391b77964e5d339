"""Programs written for LocalStack find the store with LocalStack's own client library."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from localstack_client.session import Session


@pytest.fixture
def session(stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)  # it would win over the host below
    return Session(
        region_name=stack["region"], localstack_host=urlsplit(stack["endpoint_url"]).netloc
    )


def test_it_finds_the_saga(session: Session, stack: dict[str, Any]) -> None:
    machines = session.client("stepfunctions").list_state_machines()["stateMachines"]

    assert stack["state_machine_arn"] in {machine["stateMachineArn"] for machine in machines}


def test_it_reads_the_catalogue(session: Session, stack: dict[str, Any]) -> None:
    row = session.client("dynamodb").get_item(
        TableName=stack["tables"]["inventory"],
        Key={"pk": {"S": "PRODUCT"}, "sk": {"S": "product-001"}},
    )["Item"]

    assert row["name"] == {"S": "Laptop"}
