"""What can go wrong with the local cloud, each with the one message to show.

SagashopError            in sagashop_ops.errors, as is StoreNotRunning
├── StoreBusy            another command is starting or stopping the same store
├── PortTaken            another program listens on a port that the store needs
├── ServerFailed         a server of the local cloud died or never became ready
├── DeployFailed         CloudFormation refused the template or a resource failed
└── MalformedParameters  SAGASHOP_PARAMETERS is not what it should be
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sagashop_ops.errors import SagashopError


class StoreBusy(SagashopError):
    """Another command holds the store's lock for longer than we wait."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Another sagashop command is working on the store on port {port}. "
            "Wait until it is done, or start a second store: PORT=4666 make up"
        )


class PortTaken(SagashopError):
    """Another program listens on a port that the store needs."""

    def __init__(self, port: int, purpose: str, holder: str | None) -> None:
        """`holder` describes the process that listens there; None where it cannot be seen."""
        by = holder or "a program that this user may not see"
        super().__init__(
            f"Port {port}, needed for {purpose}, is taken by {by}.\n"
            "Stop that program, or run the store elsewhere: PORT=4666 make up"
        )


class ServerFailed(SagashopError):
    """A server died while starting, or was not ready in time."""

    def __init__(self, server: str, what: str, log_file: Path, log_tail: str) -> None:
        super().__init__(f"{server} {what}. The end of {log_file}:\n{log_tail or '(it is empty)'}")


class MalformedParameters(SagashopError):
    """The environment variable with the template's parameters has another form."""

    def __init__(self, variable: str, what: str) -> None:
        super().__init__(f"{variable} has {what!r}. Its form is: {variable}=Name=value,Other=value")


@dataclass(frozen=True)
class FailedResource:
    """One resource that CloudFormation could not make, and why."""

    logical_id: str
    resource_type: str
    reason: str


class DeployFailed(SagashopError):
    """CloudFormation refused the change set, or a resource of it failed."""

    def __init__(self, reason: str, resources: Sequence[FailedResource] = ()) -> None:
        self.resources = tuple(resources)
        lines = [f"The stack could not be deployed: {reason}"]
        lines += [f"  {r.logical_id} ({r.resource_type}): {r.reason}" for r in resources]
        super().__init__("\n".join(lines))
