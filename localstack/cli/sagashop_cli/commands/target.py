"""The store that a command is about, and where the command talks to its user."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from localstack_embedded.settings import DynamoDbEngine
from sagashop_cli.aws import Deployment
from sagashop_cli.paths import StorePaths
from sagashop_cli.progress import SilentProgress, progress_on
from sagashop_cli.store import Store


@dataclass(frozen=True)
class Target:
    """The store that a command is about, and where the command talks to its user."""

    port: int
    dynamodb_engine: DynamoDbEngine
    console: Console = field(default_factory=Console)

    @contextmanager
    def with_progress(self) -> Iterator[Store]:
        """Yields the store; the steps of what is done with it are shown."""
        with progress_on(self.console) as progress:
            yield Store(StorePaths(self.port), progress, self.dynamodb_engine)

    @property
    def store(self) -> Store:
        """The store, its steps not shown."""
        return Store(StorePaths(self.port), SilentProgress(), self.dynamodb_engine)

    @property
    def deployment(self) -> Deployment:
        """What the running store consists of; raises `StoreNotRunning` where there is none."""
        return Deployment.of(self.store.stack())

    def say(self, text: str) -> None:
        """Prints text as it is, whatever it contains."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
