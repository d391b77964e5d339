"""How the project's command-line programs end: messages on stderr, and exit codes."""

import signal
import sys
from typing import NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from sagashop_ops.errors import SagashopError

INTERRUPTED = 130  # what shells report for a program ended by Ctrl-C


def run(cli: click.Group, name: str) -> NoReturn:
    """Runs a program's command; a failure is one message on stderr and a non-zero exit code."""
    # A job that is cancelled gets SIGTERM: it must stop what it started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        exit_code = cli.main(prog_name=name, standalone_mode=False)
    except (SagashopError, BotoCoreError, ClientError, RequestException) as failure:
        sys.exit(f"error: {failure}")
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(mistake.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    sys.exit(exit_code or 0)
