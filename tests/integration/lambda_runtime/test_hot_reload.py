"""Functions that run from a directory: code changes reach them without a deployment."""

from pathlib import Path

from support.lambda_functions import LambdaFunctions

FIRST = "import os\ndef handler(event, context): return ['first', os.getpid()]"
SECOND = "import os\ndef handler(event, context): return ['the second', os.getpid()]"


def test_a_new_generation_retires_idle_workers(functions: LambdaFunctions, tmp_path: Path) -> None:
    # Given a warm worker of the first generation
    (tmp_path / ".generation").write_text("1")
    name = functions.create(FIRST, directory=tmp_path)
    _, first_worker = functions.call(name).value
    assert functions.call(name).value == ["first", first_worker]

    # When the code changes, and then the generation
    (tmp_path / "app.py").write_text(SECOND)
    (tmp_path / ".generation").write_text("2")

    # Then the next call runs the new code in a new worker, which stays warm
    text, second_worker = functions.call(name).value
    assert text == "the second"
    assert second_worker != first_worker
    assert functions.call(name).value == ["the second", second_worker]


def test_a_directory_needs_no_generation(functions: LambdaFunctions, tmp_path: Path) -> None:
    name = functions.create(FIRST, directory=tmp_path)

    assert functions.call(name).value == functions.call(name).value
