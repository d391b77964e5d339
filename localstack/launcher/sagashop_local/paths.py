"""The files of a local store. Each port has its own store; all its files are in `.local`."""

from pathlib import Path

from sagashop_ops.sessions import LOCAL_OPERATOR_FILE, LOCAL_SESSION_FILE
from sagashop_ops.stack import PROJECT_ROOT, state_folder
from sagashop_ops.token_keys import LOCAL_KEYS_FILE


def environment_python(group: str) -> Path:
    """Returns the interpreter of one of the environments that `localstack/bootstrap.py` makes."""
    return PROJECT_ROOT / ".local" / "envs" / group / "bin" / "python"


class StorePaths:
    """The files of the store on one port.

    >>> StorePaths(4666, Path("/shop")).stack_file
    PosixPath('/shop/.local/4666/stack.json')
    """

    def __init__(self, port: int, root: Path = PROJECT_ROOT) -> None:
        self.port = port
        self.root = root
        self.state = state_folder(port, root)
        # How other programs find the running store; see `sagashop_ops.stack.Stack`.
        self.stack_file = self.state / "stack.json"
        # The store's own operator, and the session of whoever operates it.
        self.operator_file = self.state / LOCAL_OPERATOR_FILE
        self.session_file = self.state / LOCAL_SESSION_FILE
        # The keys that sign tokens: the engine forgets its secrets when it stops.
        self.token_keys_file = self.state / LOCAL_KEYS_FILE
        # The processes that we started, and must stop.
        self.processes_file = self.state / "processes.json"
        # The version of the local cloud that the servers were started from.
        self.version_file = self.state / "servers.version"
        self.lock_file = self.state / "store.lock"
        self.engine_log = self.state / "logs" / "engine.log"
        self.dynamodb_log = self.state / "logs" / "dynamodb.log"
        # LocalStack's own folders; useless after the engine has stopped.
        self.engine_data = self.state / "engine"
        # The tables: orders and stock survive `down` here.
        self.dynamodb_data = self.state / "dynamodb"
        # The unzipped Lambda package that the workers run.
        self.package = self.state / "package"
