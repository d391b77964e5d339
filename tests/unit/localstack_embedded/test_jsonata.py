"""JSONata in the engine's process, against what the reference implementation answered.

jsonata_corpus.json holds expressions, their inputs and the recorded answers; the head of
record_jsonata_corpus.mjs shows how to record them again.
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from localstack_embedded import jsonata
from localstack_embedded.jsonata import OUT_OF_RANGE, JSONataError, evaluate

CORPUS = json.loads(Path(__file__).with_name("jsonata_corpus.json").read_text())

# Where the library differs. A range as a predicate is an error in the reference implementation.
DIFFERENCES = {
    "$states.input.items[0..1].product_id",
    "$spread($states.input.people[0..1])",
    "$reduce($states.input.none, function($a, $b) { $a + $b })",
    "$states.input.customer.email ~> /@example/",
    "$encodeUrlComponent($states.input.customer.name)",
    '$encodeUrl("https://example.com/a b?q=ü&r=1")',
    '$number(" 1")',
}


def program(case: dict[str, Any]) -> str:
    """The program that the interpreter makes of an expression and its variables."""
    states = json.dumps({"input": CORPUS["inputs"][case["input"]]})
    return f"($states:={states};{case['expression']})"


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """Evaluates a case as the interpreter does; returns what the corpus would hold."""
    text = program(case)
    try:
        result = evaluate(text)
    except JSONataError as error:
        return {"unsupported" if str(error) == OUT_OF_RANGE else "error": str(error)}
    if result is None and not evaluate(f"$exists({text})"):
        return {"undefined": True}
    if isinstance(result, str) and evaluate(f"$type({text})") == "function":
        return {"unsupported": True}
    return {"result": result}


def agrees(case: dict[str, Any]) -> bool:
    got = outcome(case)
    if "result" in case and "result" in got:
        return normal(got["result"]) == normal(case["result"])
    return got.keys() <= case.keys()


def normal(value: Any) -> str:
    """JSON text in which 1 and 1.0 are equal, and 1 and true are not."""
    return json.dumps(json.loads(json.dumps(value), parse_int=float))


def test_the_library_agrees_with_the_reference_implementation() -> None:
    differing = {case["expression"] for case in CORPUS["cases"] if not agrees(case)}

    assert differing == DIFFERENCES


def test_an_error_has_the_code_that_the_reference_implementation_gives() -> None:
    with pytest.raises(JSONataError, match=r"^T2001: "):
        evaluate('"a" + 1')


def test_an_error_of_one_of_awss_functions_is_told_in_its_own_words() -> None:
    with pytest.raises(JSONataError, match=r"^\$partition takes an array and a positive integer$"):
        evaluate("$partition([1], 0)")


def test_one_thread_evaluates_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jsonata._FUNCTIONS, "uuid", lambda *_: threading.get_ident())

    with ThreadPoolExecutor(4) as callers:
        evaluators = set(callers.map(evaluate, ["$uuid()"] * 20))

    assert len(evaluators) == 1


def test_no_object_of_the_library_leaves_its_thread_with_an_error() -> None:
    with pytest.raises(JSONataError) as raised:
        evaluate("$error('stop')")

    assert raised.value.__context__ is None
    assert [frame.name for frame in raised.traceback][1:] == ["evaluate"]
