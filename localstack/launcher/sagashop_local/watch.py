"""Brings every saved file into the running store, in the quickest way that works."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from watchfiles import watch as watch_files

from sagashop_local.store import Store
from sagashop_ops.errors import SagashopError

DEBOUNCE_MS = 100


def watch(store: Store) -> Iterator[str]:
    """Yields a sentence for everything that was done, until the caller stops asking.

    A failure is reported and not raised: the next save may fix it.
    """
    store.stack()
    root = store.paths.root
    # What is done for a changed file, by the first part of its path.
    actions: dict[str, tuple[str, Callable[[], object]]] = {
        "functions": ("functions reloaded", store.update_package),
        "statemachine": ("stack deployed", store.deploy),
        "storefront_s3": ("storefront published", store.publish),
        "template.yaml": ("stack deployed", store.deploy),
    }
    yield f"watching {', '.join(actions)}; Ctrl-C ends it"
    for changes in watch_files(*(root / name for name in actions), debounce=DEBOUNCE_MS):
        paths = sorted(Path(changed).relative_to(root) for _, changed in changes)
        names = ", ".join(map(str, paths))
        for done, act in dict(actions[path.parts[0]] for path in paths).items():
            started = time.monotonic()
            try:
                act()
            except SagashopError as failure:
                yield f"{names}: {failure}"
            else:
                yield f"{names}: {done} in {time.monotonic() - started:.1f} s"
