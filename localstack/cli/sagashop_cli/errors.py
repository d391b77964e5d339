"""What can go wrong for a user of the tool, each with the one message to show.

SagashopError            anything below; its text is complete and meant for the user
├── StoreBusy            another command is starting or stopping the same store
├── StoreNotRunning      the command needs a running store
├── PortTaken            another program listens on a port that the store needs
├── ServerFailed         a server of the local cloud died or never became ready
├── DeployFailed         CloudFormation refused the template or a resource failed
├── MalformedParameters  SAGASHOP_PARAMETERS is not what it should be
├── UnknownFunction      the stack has no Lambda function of that name
└── BenchmarkFailed      a command that the benchmark runs failed (bench/run.py)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


class SagashopError(Exception):
    """A failure whose text tells the user what happened and what to do about it."""


class StoreBusy(SagashopError):
    """Another command holds the store's lock for longer than we wait."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Another sagashop command is working on the store on port {port}. "
            "Wait until it is done, or start a second store: PORT=4666 make up"
        )


class StoreNotRunning(SagashopError):
    """A command that talks to the store found none on its port."""

    def __init__(self, port: int) -> None:
        start = "make up" if port == 4566 else f"PORT={port} make up"
        super().__init__(f"No store is running on port {port}. Start it with `{start}`.")


class PortTaken(SagashopError):
    """Somebody else listens on a port that the store needs."""

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
    """The environment variable with the template's parameters holds something else."""

    def __init__(self, variable: str, what: str) -> None:
        super().__init__(
            f"{variable} has {what!r}. It is written so: {variable}=Name=value,Other=value"
        )


class UnknownFunction(SagashopError):
    """No Lambda function of the stack matches the name that the user gave."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"No function is called {name!r}. There are: {', '.join(sorted(known))}")


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
