"""The files of a local store. Each port has its own store; all its files are in `.local`."""

from dataclasses import dataclass
from pathlib import Path

from sagashop_ops.stack import DEFAULT_PORT, PROJECT_ROOT, state_folder

__all__ = ["DEFAULT_PORT", "PROJECT_ROOT", "StorePaths", "environment_python"]


def environment_python(group: str) -> Path:
    """Returns the interpreter of one of the environments that `localstack/bootstrap.py` makes."""
    return PROJECT_ROOT / ".local" / "envs" / group / "bin" / "python"


@dataclass(frozen=True)
class StorePaths:
    """The files of the store on one port.

    >>> StorePaths(4566, Path("/shop")).state
    PosixPath('/shop/.local')
    >>> StorePaths(4666, Path("/shop")).stack_file
    PosixPath('/shop/.local/4666/stack.json')
    """

    port: int
    root: Path = PROJECT_ROOT

    @property
    def state(self) -> Path:
        """The folder of this store: `.local` itself for the default port."""
        return state_folder(self.port, self.root)

    @property
    def stack_file(self) -> Path:
        """How other programs find the running store; see `sagashop_ops.stack.Stack`."""
        return self.state / "stack.json"

    @property
    def processes_file(self) -> Path:
        """The processes that we started, and must stop."""
        return self.state / "processes.json"

    @property
    def version_file(self) -> Path:
        """Which version of the local cloud the servers were started from."""
        return self.state / "servers.version"

    @property
    def lock_file(self) -> Path:
        return self.state / "store.lock"

    @property
    def engine_log(self) -> Path:
        return self.state / "logs" / "engine.log"

    @property
    def dynamodb_log(self) -> Path:
        return self.state / "logs" / "dynamodb.log"

    @property
    def engine_data(self) -> Path:
        """LocalStack's own folders; useless after the engine has stopped."""
        return self.state / "engine"

    @property
    def dynamodb_data(self) -> Path:
        """The tables: orders and stock survive `down` here."""
        return self.state / "dynamodb"

    @property
    def package(self) -> Path:
        """The unzipped Lambda package that the workers run."""
        return self.state / "package"
