"""Who may import whom: services apart, rules pure, AWS and the environment at the edges."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.template import ROOT

FUNCTIONS = ROOT / "functions"
SHARED = "shared"
SERVICES = sorted(
    path.name
    for path in FUNCTIONS.iterdir()
    if (path / "__init__.py").exists() and path.name != SHARED
)
MODULES = sorted(FUNCTIONS.glob("*/**/*.py"))

# What rules may build on: modules without I/O, and the standard library's of that kind.
PURE_SHARED = {
    "shared.clock",
    "shared.errors",
    "shared.events",
    "shared.ids",
    "shared.money",
    "shared.subjects",
    "shared.wording",
}
PURE_STANDARD = {
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "typing",
}
# The adapters: where a service meets AWS.
ADAPTERS = {
    "shared/dynamodb.py",
    "shared/outbox.py",
    "shared/queries.py",
    "shared/token_keys.py",
    "notification/mailer.py",
    "order/execution.py",
    "realtime/clients.py",
    *(f"{service}/repository.py" for service in SERVICES),
}


def name_of(module: Path) -> str:
    return module.relative_to(FUNCTIONS).as_posix()


def imports(module: Path) -> Iterator[str]:
    """Yields the full names of all that a module imports: `shared.clock` for `from shared import
    clock`, too."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(module)}: imports are absolute"
            assert node.module is not None
            is_package = node.module in (SHARED, *SERVICES)
            yield from (
                f"{node.module}.{alias.name}" if is_package else node.module for alias in node.names
            )


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_service_imports_no_other_service(module: Path) -> None:
    # Given
    own = module.relative_to(FUNCTIONS).parts[0]

    # When
    services = {name.split(".")[0] for name in imports(module)} & set(SERVICES)

    # Then
    assert services <= {own}, "the kernel imports no service, a service none but itself"


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_rules_import_nothing_that_does_io(service: str) -> None:
    # When
    imported = set(imports(FUNCTIONS / service / "domain.py"))

    # Then
    ours = {name for name in imported if name.split(".")[0] in (SHARED, *SERVICES)}
    assert ours <= PURE_SHARED
    assert {name.split(".")[0] for name in imported - ours} <= PURE_STANDARD


@pytest.mark.parametrize(
    "module", [module for module in MODULES if name_of(module) not in ADAPTERS], ids=name_of
)
def test_only_adapters_import_boto3(module: Path) -> None:
    assert not {name.split(".")[0] for name in imports(module)} & {"boto3", "botocore"}


@pytest.mark.parametrize(
    "module", [module for module in MODULES if name_of(module) != "shared/settings.py"], ids=name_of
)
def test_only_the_settings_read_the_environment(module: Path) -> None:
    assert "os" not in {name.split(".")[0] for name in imports(module)}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_loads_no_settings_when_it_is_imported(module: Path) -> None:
    # When
    loaded = [
        ast.unparse(node)
        for statement in ast.parse(module.read_text(encoding="utf-8")).body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"settings.load", "load"}
    ]

    # Then
    assert loaded == []


def test_there_are_services_to_check() -> None:
    assert {"inventory", "order", "payment"} <= set(SERVICES)


def test_only_the_account_service_loads_the_library_that_hashes_passwords() -> None:
    """It takes longer to import than what most functions do at their start."""
    importing = {name_of(module) for module in MODULES if "argon2" in set(imports(module))}

    assert importing == {"account/passwords.py"}
