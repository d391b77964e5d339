"""What the benchmark counts in the source."""

from pathlib import Path

from sagashop_ops.bench.size import measure_size

MACHINE = """{"States": {
  "ReserveStock": {"Type": "Task"},
  "InStock": {"Type": "Choice"}
}}"""


def a_project(folder: Path, template: str) -> Path:
    """A project with one function, one step and one handler."""
    for name in ("statemachine", "functions/stock", "localstack", "ops"):
        (folder / name).mkdir(parents=True)
    (folder / "template.yaml").write_text(template)
    (folder / "statemachine" / "order_saga.asl.json").write_text(MACHINE)
    (folder / "functions" / "stock" / "saga.py").write_text(
        '"""ReserveStock is described here."""\n\n@task("ReserveStock")\ndef reserve(): ...\n'
    )
    (folder / "ops" / "tool.py").write_text('STEP = "ReserveStock"\n')
    return folder


def test_lines_functions_and_the_places_of_a_step_are_counted(tmp_path: Path) -> None:
    template = "Resources:\n  Steps:\n    Type: AWS::Serverless::Function\n"

    figures = list(measure_size(a_project(tmp_path, template)))

    assert [figure.value for figure in figures] == ["1", "3", "4", "5", "2 files"]
    assert all(figure.met for figure in figures)


def test_a_step_that_the_template_names_too_misses_the_target(tmp_path: Path) -> None:
    *_, places = measure_size(a_project(tmp_path, "# ReserveStock has a function of its own\n"))

    assert (places.value, places.met) == ("3 files", False)
