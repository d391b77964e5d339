"""The addresses of a deployed store: read from its stack.json, or made from its stack's outputs."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

DEFAULT_PORT = 4566
PROJECT_ROOT = Path(__file__).resolve().parents[2]
TABLE_SUFFIX = "Table"
DEAD_LETTER_QUEUE_SUFFIX = "DeadLetterQueueUrl"


def state_folder(port: int, root: Path = PROJECT_ROOT) -> Path:
    """Returns the folder of the local store on a port: `.local` itself for the default port."""
    local = root / ".local"
    return local if port == DEFAULT_PORT else local / str(port)


@dataclass(frozen=True)
class Stack:
    """One deployed store, in the shape of its stack.json.

    `tables` maps a service's name to its table, `dead_letter_queues` a queue's logical name to its
    URL. `endpoint_url` and `log_file` are the local engine's; both are None for a stack on AWS.
    """

    endpoint_url: str | None
    region: str
    stack_name: str
    api_url: str
    storefront_url: str
    websocket_url: str
    event_bus_name: str
    state_machine_arn: str
    tables: Mapping[str, str]
    dead_letter_queues: Mapping[str, str]
    log_file: str | None

    @property
    def local_state(self) -> Path | None:
        """The folder with the files of a local store; None for a stack on AWS."""
        port = urlsplit(self.endpoint_url or "").port
        return None if port is None else state_folder(port)

    def save(self, path: Path) -> None:
        """Writes stack.json in one step, so that no reader sees half of it."""
        write_atomically(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads stack.json; raises FileNotFoundError where no store is deployed."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def local_storefront_origin(bucket: str, port: int) -> str:
    """Returns where the local engine serves a bucket's website."""
    return f"http://{bucket}.s3-website.localhost:{port}"


def stack_of(
    outputs: Mapping[str, str],
    *,
    stack_name: str,
    region: str,
    endpoint_url: str | None = None,
    log_file: str | None = None,
) -> Stack:
    """Makes a store's addresses from the outputs of its CloudFormation stack.

    The outputs hold the addresses on AWS, and the WebSocket API's on any engine. The engine serves
    the HTTP API under a path, which needs no DNS (Python's urllib doesn't resolve `*.localhost`),
    and the storefront under a host name, because a website's links start at `/`.
    """
    api_url, storefront_url = outputs["ApiUrl"], outputs["StorefrontUrl"]
    if endpoint_url:
        stage = api_url.rpartition("/")[2]
        api_url = f"{endpoint_url}/_aws/execute-api/{outputs['ApiId']}/{stage}"
        port = urlsplit(endpoint_url).port or DEFAULT_PORT
        storefront_url = f"{local_storefront_origin(outputs['StorefrontBucket'], port)}/"
    return Stack(
        endpoint_url=endpoint_url,
        region=region,
        stack_name=stack_name,
        api_url=api_url,
        storefront_url=storefront_url,
        websocket_url=outputs["WebSocketUrl"],
        event_bus_name=outputs["EventBusName"],
        state_machine_arn=outputs["StateMachineArn"],
        tables={name.lower(): table for name, table in _ending(outputs, TABLE_SUFFIX).items()},
        dead_letter_queues=_ending(outputs, DEAD_LETTER_QUEUE_SUFFIX),
        log_file=log_file,
    )


def _ending(outputs: Mapping[str, str], suffix: str) -> dict[str, str]:
    """Returns the outputs whose name has the suffix, by their name without it."""
    return {
        name.removesuffix(suffix): value for name, value in outputs.items() if name.endswith(suffix)
    }


def write_atomically(path: Path, text: str) -> None:
    """Replaces a file's content, or leaves the old one when the machine stops half way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
