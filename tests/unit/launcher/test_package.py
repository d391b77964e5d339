"""The Lambda package: complete, and touched only where something changed."""

from pathlib import Path

import pytest

from sagashop_local.package import GENERATION_FILE, build_package


class Project:
    """A `functions/` folder, installed dependencies, and the package that is made of them."""

    def __init__(self, root: Path) -> None:
        self.functions = root / "functions"
        self.dependencies = root / "site-packages"
        self.package = root / "package"
        self.write("order/api.py", "ROUTES = 1\n")
        self.write("shared/schemas/OrderPlaced.v1.json", "{}\n")
        self.write("Makefile", "build:\n")
        self.install("pydantic", "2.13.5")

    def write(self, name: str, text: str) -> None:
        path = self.functions / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def install(self, name: str, version: str) -> None:
        (self.dependencies / name).mkdir(parents=True, exist_ok=True)
        (self.dependencies / name / "__init__.py").write_text(f"VERSION = {version!r}\n")
        for old in self.dependencies.glob(f"{name}-*.dist-info"):
            old.rmdir()
        (self.dependencies / f"{name}-{version}.dist-info").mkdir()

    def build(self) -> bool:
        return build_package(self.dependencies, self.functions, self.package)

    def generation(self) -> str:
        return (self.package / GENERATION_FILE).read_text()

    def shipped(self) -> set[str]:
        return {
            str(path.relative_to(self.package))
            for path in self.package.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_package_has_code_data_and_dependencies_and_nothing_else(project: Project) -> None:
    assert project.build()

    assert project.shipped() == {
        ".dependencies",
        ".generation",
        "order/api.py",
        "pydantic/__init__.py",
        "shared/schemas/OrderPlaced.v1.json",
    }


def test_the_code_is_compiled_ahead(project: Project) -> None:
    project.build()

    assert list((project.package / "order" / "__pycache__").glob("api.*.pyc"))
    assert list((project.package / "pydantic" / "__pycache__").glob("__init__.*.pyc"))


def test_building_again_changes_nothing(project: Project) -> None:
    project.build()
    generation = project.generation()

    assert not project.build()
    assert project.generation() == generation


def test_changed_code_is_a_new_generation(project: Project) -> None:
    project.build()
    generation = project.generation()

    project.write("order/api.py", "ROUTES = 22\n")

    assert project.build()
    assert (project.package / "order" / "api.py").read_text() == "ROUTES = 22\n"
    assert project.generation() != generation


def test_changing_back_is_the_old_generation(project: Project) -> None:
    project.build()
    generation = project.generation()
    project.write("order/api.py", "ROUTES = 22\n")
    project.build()

    project.write("order/api.py", "ROUTES = 1\n")
    project.build()

    assert project.generation() == generation


def test_a_removed_module_and_its_emptied_folder_disappear(project: Project) -> None:
    project.write("refund/saga.py", "")
    project.build()

    (project.functions / "refund" / "saga.py").unlink()
    (project.functions / "refund").rmdir()
    project.build()

    assert not (project.package / "refund").exists()
    assert (project.package / "order" / "api.py").exists()


def test_another_version_of_a_dependency_is_installed(project: Project) -> None:
    project.build()

    project.install("pydantic", "2.14.0")

    assert project.build()
    assert "2.14.0" in (project.package / "pydantic" / "__init__.py").read_text()


def test_a_syntax_error_is_shipped_for_the_function_to_report(project: Project) -> None:
    project.write("order/api.py", "def broken(:\n")

    assert project.build()
    assert (project.package / "order" / "api.py").read_text() == "def broken(:\n"
