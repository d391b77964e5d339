"""How large the product is, and how many files name a step of the saga."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from sagashop_ops.bench.figures import Figure, at_most
from sagashop_ops.stack import PROJECT_ROOT

PRODUCT = ("functions", "localstack", "ops")


def measure_size(root: Path = PROJECT_ROOT) -> Iterator[Figure]:
    """Counts functions, lines, and the files to touch for a step."""
    template = (root / "template.yaml").read_text(encoding="utf-8")
    machine = (root / "statemachine" / "order_saga.asl.json").read_text(encoding="utf-8")
    modules = [path for folder in PRODUCT for path in sorted((root / folder).rglob("*.py"))]
    functions = re.findall(r"^    Type: AWS::Serverless::Function$", template, re.MULTILINE)
    yield at_most("Lambda functions", len(functions), 20)
    yield at_most("lines of template.yaml", len(template.splitlines()), 1500)
    yield at_most("lines of the state machine", len(machine.splitlines()), 500)
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in modules)
    yield at_most(f"Python lines in {', '.join(PRODUCT)}", lines, 14_000)
    yield _files_that_name_a_step(root, template, machine)


def _files_that_name_a_step(root: Path, template: str, machine: str) -> Figure:
    """Counts, for each step, the files of the store that hold its name as a value.

    The state machine is one of them. A module holds a name as a value where a string literal equals
    it; comments, docstrings and class names don't count.
    """
    steps = [
        name for name, state in json.loads(machine)["States"].items() if state["Type"] == "Task"
    ]
    literals = [_strings_in(path) for path in (root / "functions").rglob("*.py")]
    files = [
        1 + bool(re.search(rf"\b{step}\b", template)) + sum(step in strings for strings in literals)
        for step in steps
    ]
    name = f"files to touch for a saga step, median of {len(steps)} steps"
    return replace(at_most(name, median(files), 2, "files"), samples=files)


def _strings_in(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
