"""Repeats what collided with another writer of the same rows."""

import random
import time
from collections.abc import Callable

from shared.errors import StockContention, StorageContention

_LONGEST_WAITS = (0.02, 0.04, 0.08, 0.16, 0.32)  # seconds


def patiently[T](attempt: Callable[[], T]) -> T:
    """Returns what `attempt` returns; calls it up to six times while it raises contention.

    That is StorageContention or StockContention: nothing happened, and it may succeed in a moment.

    The waits have full jitter, so that writers who collided do not collide again.
    """
    for longest_wait in _LONGEST_WAITS:
        try:
            return attempt()
        except (StockContention, StorageContention):
            time.sleep(random.uniform(0, longest_wait))
    return attempt()
