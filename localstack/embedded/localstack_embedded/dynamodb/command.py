"""How the DynamoDB server is started, and how to tell that it is ready.

Nothing here imports LocalStack or MiniStack, so that a launcher in another environment can use it.
"""

import os
from pathlib import Path

import localstack_embedded

# GET on this path returns 200 as soon as the tables of the last run are loaded.
READINESS_PATH = "/ready"


def dynamodb_server_command(
    python: Path, port: int, state_dir: Path
) -> tuple[list[str], dict[str, str]]:
    """Returns the command line and the whole environment of the server.

    Args:
        python: an interpreter with `ministack`.
        port: where it listens, on 127.0.0.1 only.
        state_dir: the directory of the tables; the server creates it if it is missing.
    """
    module = "localstack_embedded.dynamodb.server"
    argv = [str(python), "-P", "-m", module, "--port", str(port), "--data", str(state_dir)]
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # MiniStack's environment has no copy of this package: it needs nothing but MiniStack.
        "PYTHONPATH": str(Path(localstack_embedded.__file__).parents[1]),
        "HOME": str(state_dir),
        "TMPDIR": str(state_dir),
    }
    return argv, environment
