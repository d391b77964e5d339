"""Waiting for what happens in its own time: by polling, with a deadline."""

import time
from collections.abc import Callable

# Far above what anything takes: machines are shared, and a test must only fail for a reason.
PATIENCE_SECONDS = 60.0


def eventually[T](
    probe: Callable[[], T],
    until: Callable[[T], object] = bool,
    *,
    timeout: float = PATIENCE_SECONDS,
    every: float = 0.1,
) -> T:
    """Calls `probe` until its result satisfies `until`, and returns that result.

    Fails with the last result once `timeout` seconds have passed.
    """
    deadline = time.monotonic() + timeout
    while True:
        result = probe()
        if until(result):
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not so after {timeout:g} s; the last look showed {result!r}")
        time.sleep(every)
