"""The one place that reads environment variables.

Each service declares a frozen dataclass in its `wiring.py`; `load` fills it at its first use. A
field `table_name: str` is the variable `TABLE_NAME`; a field with a default may be absent. A wrong
deployment fails at a function's first call, with every missing variable named.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_TRACE_ID = re.compile(r"1-[0-9a-fA-F]{1,8}-[0-9a-fA-F]{1,24}")


def load[S: DataclassInstance](settings: type[S], environ: Mapping[str, str] | None = None) -> S:
    """Returns `settings` filled from the environment (`environ` replaces it in tests).

    Fields may be `str`, `int` or `float`. Raises ConfigurationError naming every variable that is
    missing, empty or not a number.
    """
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in fields(settings):
        variable = field.name.upper()
        text = source.get(variable, "")
        if not text:
            if field.default is MISSING:
                problems.append(f"{variable} is not set")
            continue
        assert isinstance(field.type, type), f"{field.name} must be annotated with a plain type"
        try:
            values[field.name] = field.type(text)
        except ValueError:
            problems.append(f"{variable} is {text!r}, not {field.type.__name__}")
    if problems:
        raise ConfigurationError(f"{settings.__name__}: {'; '.join(problems)}")
    return settings(**values)


def trace_id() -> str | None:
    """Returns the X-Ray trace id of the current invocation (`1-…`), which Lambda keeps here."""
    return root_of_trace(os.environ.get("_X_AMZN_TRACE_ID", ""))


def root_of_trace(header: str) -> str | None:
    """Returns the trace id in a tracing header, `Root=1-…;Parent=…;Sampled=1`.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    pairs = dict(part.strip().split("=", 1) for part in header.split(";") if "=" in part)
    root = pairs.get("Root", "")
    return root if _TRACE_ID.fullmatch(root) else None
