"""What only a local store has: a port, a stack.json, and an engine that answers questions."""

from typing import Any

import requests

from sagashop_ops.aws import Deployment, shared_aws
from sagashop_ops.errors import LocalOnly, StoreNotRunning
from sagashop_ops.stack import Stack, state_folder

TIMEOUT_SECONDS = 10.0


def local_deployment(port: int, stack_name: str) -> Deployment:
    """Looks up a stack of the local store on a port; raises StoreNotRunning and UnknownStack."""
    try:
        stack = Stack.load(state_folder(port) / "stack.json")
        ask_engine(stack, "/_localstack/health", "a health check", "there is no engine")
    except (FileNotFoundError, requests.RequestException) as exc:
        raise StoreNotRunning(port) from exc
    return Deployment.find(shared_aws(stack.endpoint_url, stack.region), stack_name, stack.log_file)


def ask_engine(stack: Stack, path: str, what: str, instead: str) -> Any:
    """Returns the JSON at a path of the local engine.

    Raises LocalOnly for a stack on AWS: only a local store has `what`, on AWS there is `instead`.
    """
    if stack.endpoint_url is None:
        raise LocalOnly(what, instead)
    with requests.Session() as session:
        session.trust_env = False  # loopback needs no proxy
        response = session.get(f"{stack.endpoint_url}{path}", timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    return response.json()
