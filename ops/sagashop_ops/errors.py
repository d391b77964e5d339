"""What can go wrong for an operator, each with the one message to show.

SagashopError            anything below; its text is complete and meant for the user
├── StoreNotRunning      no local store runs on the port
├── UnknownStack         the account, or the local engine, has no stack of that name
├── LocalOnly            the command requires something that only a local store has
├── UnknownName          the store has no function, queue or consumer of that name
├── UnknownOrder         the store has no order of that id
├── UnknownProduct       the store's catalogue has no product of that SKU
├── UnknownLetter        the queue has no dead letter of that id, or another command holds it
├── NotSignedIn          the command acts in an operator's name, and nobody has signed in
├── OperationRefused     the store refused the operation, and says why
├── InvalidArgument      a value on the command line makes no sense
├── NotASandbox          failures can't be injected into this store: its stage is not a sandbox
└── BenchmarkFailed      a command that the benchmark runs failed
"""

from collections.abc import Iterable, Mapping


class SagashopError(Exception):
    """A failure whose text tells the user what happened and how to continue."""


class StoreNotRunning(SagashopError):
    def __init__(self, port: int) -> None:
        start = "make up" if port == 4566 else f"PORT={port} make up"
        super().__init__(f"No store is running on port {port}. Start it with `{start}`.")


class UnknownStack(SagashopError):
    def __init__(self, name: str, where: str) -> None:
        """`where` is the region on AWS, or the address of the local engine."""
        super().__init__(f"There is no stack {name!r} in {where}. Name another one with --stack.")


class LocalOnly(SagashopError):
    def __init__(self, what: str, instead: str) -> None:
        super().__init__(f"Only a local store has {what}. On AWS, {instead}.")


class UnknownName(SagashopError):
    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"No {kind} is called {name!r}. There are: {', '.join(sorted(known))}")


class UnknownOrder(SagashopError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"There is no order {order_id!r}.")


class UnknownProduct(SagashopError):
    def __init__(self, sku: str) -> None:
        super().__init__(f"There is no product {sku!r}.")


class UnknownLetter(SagashopError):
    def __init__(self, message_id: str, queue: str) -> None:
        super().__init__(
            f"No dead letter {message_id!r} is in {queue}. Another command may be reading it: "
            f"`sagashop dlq read {queue}` shows what is there."
        )


class NotSignedIn(SagashopError):
    def __init__(self) -> None:
        super().__init__(
            "Nobody is signed in. Sign in with `sagashop sign-in EMAIL`; "
            "`sagashop operator add EMAIL` makes an operator's account."
        )


class OperationRefused(SagashopError):
    """The store refused the operation; `code` is stable, the text says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{detail} ({code})")
        self.code = code


class InvalidArgument(SagashopError):
    """A value that the user gave makes no sense; the text says what would."""


class NotASandbox(SagashopError):
    def __init__(self, stack_name: str) -> None:
        super().__init__(
            f"Failures can't be injected into {stack_name}: it has no chaos parameter, "
            "because its stage is not a sandbox (local, dev)."
        )


class BenchmarkFailed(SagashopError):
    """A command that the benchmark runs failed; the text holds what it printed."""


def find_by_name[T](kind: str, name: str, known: Mapping[str, T]) -> T:
    """Returns what has this name, in upper or lower case; raises UnknownName."""
    for known_name, value in known.items():
        if known_name.lower() == name.lower():
            return value
    raise UnknownName(kind, name, known)
