"""JSONata as Step Functions evaluates it, with the functions that AWS adds to the language."""

import hashlib
import json
import random
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonatapy

OUT_OF_RANGE = "D1001: Number out of range"
"""What JSON cannot express: 1 / 0, for example."""

# What the library puts before the text of an error that one of the functions below raised.
_HOST_FUNCTION = re.compile(r"^host function raised \w+: ")
# No other thread of the process runs meanwhile.
_TIMEOUT_MS = 2000
# The library's objects and its memory belong to the thread that made them. With a thread for each
# execution, the process once died in the library's allocator.
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jsonata")
_ALGORITHMS = {"MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"}


class JSONataError(Exception):
    """The program does not parse, or its evaluation failed; the text is the library's."""


def evaluate(program: str) -> Any:
    """Returns the JSON value of a JSONata program; None if it is null or undefined.

    The value of a program that returns a function is the word "function": the interpreter then asks
    for the type of the text (`$type(…)`) and rejects it. Raises `JSONataError`.
    """
    value = _THREAD.submit(_value_or_error, program).result()
    if isinstance(value, JSONataError):
        raise value
    return value


def _value_or_error(program: str) -> Any:
    try:
        value = _run(program)
        if value is None and _run(f"$type({program})") == "function":
            return "function"
    except JSONataError as error:
        # Without the traceback, whose frames hold the library's objects.
        return JSONataError(str(error))
    return value


def _run(program: str) -> Any:
    try:
        expression = jsonatapy.compile(program)
        for name, function in _FUNCTIONS.items():
            expression.register(name, function)
        expression.register_override("random", _random)
        value = expression.evaluate(None, timeout=_TIMEOUT_MS)
    except ValueError as error:
        raise JSONataError(_HOST_FUNCTION.sub("", str(error))) from error
    try:
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise JSONataError(OUT_OF_RANGE) from error
    return value


# What AWS adds to JSONata's own functions.
# https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html


def _partition(values: object, size: object) -> list[list[Any]]:
    if not isinstance(values, list) or not isinstance(size, int) or size < 1:
        raise ValueError("$partition takes an array and a positive integer")
    return [values[start : start + size] for start in range(0, len(values), size)]


def _range(first: Any, last: Any, step: Any) -> list[float]:
    if not all(isinstance(number, int | float) for number in (first, last, step)) or not step:
        raise ValueError("$range takes three numbers, and the third is not zero")
    return [first + index * step for index in range(int((last - first) // step) + 1)]


def _hash(text: object, algorithm: object) -> str:
    if not (isinstance(text, str) and isinstance(algorithm, str) and algorithm in _ALGORITHMS):
        raise ValueError(f"$hash takes a string and one of {', '.join(sorted(_ALGORITHMS))}")
    return hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest()


def _random(seed: int | None = None) -> float:
    """Returns a number from 0 to below 1, the same one for the same seed."""
    return random.Random(seed).random()


def _uuid(*_: object) -> str:
    return str(uuid.uuid4())


def _parse(text: object, *_: object) -> Any:
    if not isinstance(text, str):
        raise ValueError("$parse takes a string")  # noqa: TRY004 - the library reports it
    return json.loads(text)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "uuid": _uuid,
    "parse": _parse,
}
