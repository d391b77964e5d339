"""What can go wrong for a user of the tool, each with the one message to show.

SagashopError            anything below; its text is complete and meant for the user
├── StoreBusy            another command is starting or stopping the same store
├── StoreNotRunning      the command needs a running store
├── PortTaken            another program listens on a port that the store needs
├── ServerFailed         a server of the local cloud died or never became ready
├── DeployFailed         CloudFormation refused the template or a resource failed
├── MalformedParameters  SAGASHOP_PARAMETERS is not what it should be
├── UnknownFunction      the stack has no Lambda function of that name
├── UnknownOrder         the store has no order of that id
├── UnknownQueue         the store has no dead-letter queue of that name
├── UnknownLetter        the queue has no dead letter of that id
├── UnknownConsumer      events cannot be replayed to anything of that name
├── ReasonMissing        the operation asks for a reason, and none was given
├── OperationRefused     the store refused the operation, and says why
├── InvalidArgument      a value on the command line makes no sense
├── NotASandbox          failures can't be injected into this store
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


class UnknownOrder(SagashopError):
    """No order of the store has this id."""

    def __init__(self, order_id: str) -> None:
        if not order_id:
            super().__init__("Which order? Give its id: ORDER=ord_…")
        else:
            super().__init__(f"There is no order {order_id!r}.")


class UnknownQueue(SagashopError):
    """No dead-letter queue of the store has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        start = f"No dead-letter queue is called {name!r}." if name else "Which queue? Give Q=…"
        super().__init__(f"{start} There are: {', '.join(sorted(known))}")


class UnknownLetter(SagashopError):
    """No dead letter of the queue has this id, or another command holds it just now."""

    def __init__(self, message_id: str, queue: str) -> None:
        super().__init__(
            f"No dead letter {message_id!r} is in {queue}. Another command may be reading it: "
            f"`make dlq-read Q={queue}` shows what is there."
        )


class UnknownConsumer(SagashopError):
    """Events cannot be replayed to anything of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        start = f"Nothing that hears events is called {name!r}." if name else "To whom? Give TO=…"
        super().__init__(f"{start} There are: {', '.join(sorted(known))}")


class ReasonMissing(SagashopError):
    """An operation that changes something for good was asked for without a reason."""

    def __init__(self, action: str) -> None:
        super().__init__(f'Why {action}? Say it for the record: WHY="…"')


class OperationRefused(SagashopError):
    """The store refused the operation; `code` is stable, the text says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{detail} ({code})")
        self.code = code


class InvalidArgument(SagashopError):
    """A value that the user gave makes no sense; the text says what would."""


class NotASandbox(SagashopError):
    """Failures can be injected in sandbox stages alone, and this store isn't one."""

    def __init__(self, stack_name: str) -> None:
        super().__init__(
            f"Failures can't be injected into {stack_name}: it has no chaos parameter, "
            "because its stage is no sandbox (local, dev)."
        )
