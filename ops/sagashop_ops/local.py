"""What only a local store has: a port, a stack.json, and an engine that answers questions."""

from typing import Any

import requests

from sagashop_ops.aws import Deployment, shared_aws
from sagashop_ops.errors import StoreNotRunning
from sagashop_ops.stack import Stack, state_folder

TIMEOUT_SECONDS = 10.0


def local_deployment(port: int, stack_name: str) -> Deployment:
    """Looks up a stack of the local store on a port; raises StoreNotRunning and UnknownStack."""
    try:
        stack = Stack.load(state_folder(port) / "stack.json")
        ask_engine(str(stack.endpoint_url), "/_localstack/health")
    except (FileNotFoundError, requests.RequestException) as exc:
        raise StoreNotRunning(port) from exc
    return Deployment.find(shared_aws(stack.endpoint_url, stack.region), stack_name, stack.log_file)


def ask_engine(endpoint_url: str, path: str) -> Any:
    """Returns the JSON at a path of the local engine."""
    with requests.Session() as session:
        session.trust_env = False  # loopback needs no proxy
        response = session.get(f"{endpoint_url}{path}", timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    return response.json()
