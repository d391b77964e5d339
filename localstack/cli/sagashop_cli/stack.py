"""stack.json: what other programs need to know to use a running store."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stack:
    """One deployed store, in the shape of its stack.json.

    `tables` maps a service's name to its table, `dead_letter_queues` a queue's logical name to its
    URL. No URL ends with a slash except the storefront's.
    """

    endpoint_url: str
    region: str
    stack_name: str
    api_url: str
    storefront_url: str
    websocket_url: str | None
    event_bus_name: str
    state_machine_arn: str
    tables: Mapping[str, str]
    dead_letter_queues: Mapping[str, str]
    log_file: str

    def save(self, path: Path) -> None:
        """Writes the file in one step, so that nobody ever reads half of it."""
        write_atomically(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Stack":
        """Reads the file; raises FileNotFoundError where no store was ever deployed."""
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**fields)


DEAD_LETTER_QUEUE_SUFFIX = "DeadLetterQueueUrl"
TABLE_OUTPUTS = {
    "order": "OrderTable",
    "inventory": "InventoryTable",
    "payment": "PaymentTable",
    "shipping": "ShippingTable",
    "notification": "NotificationTable",
    "operations": "OperationsTable",
}


def stack_of(
    outputs: Mapping[str, str],
    *,
    endpoint_url: str,
    port: int,
    region: str,
    stack_name: str,
    log_file: Path,
) -> Stack:
    """Makes a store's addresses from the outputs of its CloudFormation stack.

    The outputs hold the addresses that the store would have on AWS. The engine serves the API below
    a path, which needs no DNS (Python's urllib doesn't resolve `*.localhost`), and the storefront
    under a host name, because a website's links start at `/`.
    """
    api_stage = outputs["ApiUrl"].rpartition("/")[2]
    return Stack(
        endpoint_url=endpoint_url,
        region=region,
        stack_name=stack_name,
        api_url=f"{endpoint_url}/_aws/execute-api/{outputs['ApiId']}/{api_stage}",
        storefront_url=f"http://{outputs['StorefrontBucket']}.s3-website.localhost:{port}/",
        websocket_url=None,
        event_bus_name=outputs["EventBusName"],
        state_machine_arn=outputs["StateMachineArn"],
        tables={service: outputs[output] for service, output in TABLE_OUTPUTS.items()},
        dead_letter_queues={
            output.removesuffix(DEAD_LETTER_QUEUE_SUFFIX): url
            for output, url in outputs.items()
            if output.endswith(DEAD_LETTER_QUEUE_SUFFIX)
        },
        log_file=str(log_file),
    )


def write_atomically(path: Path, text: str) -> None:
    """Replaces a file's content, or leaves the old one when the machine stops half way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
