"""The first lines that run in a worker process, before AWS's runtime client takes over.

Run by path, with the runtime's interpreter: `python -s -P worker_main.py LIFELINE_FD HANDLER`.
It imports nothing of ours, because the engine's packages must stay out of the function's sight.
"""

import os
import signal
import sys
import threading

from awslambdaric.__main__ import main as serve_calls


def die_with_the_engine(lifeline: int) -> None:
    """Waits for the engine's end of the pipe to close, then ends this worker and its children.

    The kernel closes it however the engine ended, `kill -9` included, and on every system; the
    engine never writes to it.
    """
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    lifeline, handler = int(sys.argv[1]), sys.argv[2]
    os.set_inheritable(lifeline, False)
    threading.Thread(target=die_with_the_engine, args=(lifeline,), daemon=True).start()

    # As on Lambda: the package comes before everything, the standard library included.
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    serve_calls(["awslambdaric", handler])


if __name__ == "__main__":
    main()
