"""Brings every saved file into the running store, in the quickest way that works."""

import time
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

from watchfiles import watch as watch_files

from sagashop_local.store import Store
from sagashop_ops.errors import SagashopError

DEBOUNCE_MS = 100


class Action(Enum):
    """What a changed file requires, in words for the user."""

    RELOAD = "functions reloaded"
    DEPLOY = "stack deployed"
    PUBLISH = "storefront published"


def action_for(path: Path, root: Path) -> Action:
    """Returns what a changed file of the project requires.

    >>> action_for(Path("/shop/functions/order/api.py"), Path("/shop"))
    <Action.RELOAD: 'functions reloaded'>
    """
    match path.relative_to(root).parts[0]:
        case "functions":
            return Action.RELOAD
        case "storefront_s3":
            return Action.PUBLISH
        case _:  # template.yaml or statemachine/
            return Action.DEPLOY


def watch(store: Store) -> Iterator[str]:
    """Yields a sentence for everything that was done, until the caller stops asking.

    A failure is reported and not raised: the next save may fix it.
    """
    store.stack()
    root = store.paths.root
    watched = ("functions", "statemachine", "storefront_s3", "template.yaml")
    act: dict[Action, Callable[[], object]] = {
        Action.RELOAD: store.update_package,
        Action.DEPLOY: store.deploy,
        Action.PUBLISH: store.publish,
    }
    yield f"watching {', '.join(watched)}; Ctrl-C ends it"
    for changes in watch_files(*(root / name for name in watched), debounce=DEBOUNCE_MS):
        paths = sorted(Path(changed) for _, changed in changes)
        names = ", ".join(str(path.relative_to(root)) for path in paths)
        for action in sorted({action_for(path, root) for path in paths}, key=lambda a: a.value):
            started = time.monotonic()
            try:
                act[action]()
            except SagashopError as failure:
                yield f"{names}: {failure}"
            else:
                yield f"{names}: {action.value} in {time.monotonic() - started:.1f} s"
