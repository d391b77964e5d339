"""Builds the unzipped Lambda package that the workers run: locked dependencies and `functions/`.

The dependencies are a copy of the `functions` environment, which `localstack/bootstrap.py` made
from the lock file. The package is brought up to date in place, file by file, so that saving one
function costs milliseconds; workers started under an older `.generation` are retired by the engine.
"""

import compileall
import filecmp
import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from sagashop_ops.stack import write_atomically

DEPENDENCIES_FILE = ".dependencies"
GENERATION_FILE = ".generation"
# What is in `functions/` without being Lambda code.
NOT_SHIPPED = ("__pycache__", "Makefile", "requirements.txt")


def site_packages(python: Path) -> Path:
    """Returns the folder with an environment's installed packages, by its interpreter's path."""
    (folder,) = python.parents[1].glob("lib/python3.*/site-packages")
    return folder


def build_package(dependencies: Path, functions: Path, package: Path) -> bool:
    """Brings `package` up to date; returns whether anything in it changed.

    Args:
        dependencies: a site-packages folder, copied where its distributions have changed.
        functions: the Lambda code.
        package: the folder to bring up to date; made if missing.
    """
    names = sorted(path.stem for path in dependencies.glob("*.dist-info"))
    installed = "".join(f"{name}\n" for name in names)
    known_dependencies = _read(package / DEPENDENCIES_FILE)
    if known_dependencies != installed:
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(dependencies, package, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(package, quiet=2)
        write_atomically(package / DEPENDENCIES_FILE, installed)
    own_files = shipped_files(functions)
    _copy_changes(own_files, package)
    _remove_all_but(own_files, package, {path.name for path in dependencies.iterdir()})
    generation = content_hash(own_files, installed)
    changed = _read(package / GENERATION_FILE) != generation
    if changed:
        write_atomically(package / GENERATION_FILE, generation)
    return changed


def shipped_files(functions: Path) -> dict[str, Path]:
    """Returns the files that belong into the package, by their path inside it."""
    return {
        str(path.relative_to(functions)): path
        for path in sorted(functions.rglob("*"))
        if path.is_file() and not set(path.relative_to(functions).parts) & set(NOT_SHIPPED)
    }


def content_hash(files: Mapping[str, Path], installed: str) -> str:
    """Returns a hash of the package's content: its files and its dependencies."""
    digest = hashlib.sha256(installed.encode())
    for name, path in files.items():
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _copy_changes(files: Mapping[str, Path], package: Path) -> None:
    for name, source in files.items():
        target = package / name
        if target.exists() and filecmp.cmp(source, target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        # A worker that starts this moment sees the old file or the new one, never half of it.
        unfinished = target.with_name(target.name + ".new")
        shutil.copy2(source, unfinished)
        unfinished.replace(target)
        if target.suffix == ".py":
            # A syntax error shows where the function is called, as it does on AWS. By force:
            # two edits of the same length within a second look the same to Python's cache.
            compileall.compile_file(target, quiet=2, force=True)


def _remove_all_but(files: Mapping[str, Path], package: Path, dependencies: Iterable[str]) -> None:
    """Removes what is no longer in `functions/`; the dependencies' own folders stay as they are."""
    kept = {*dependencies, DEPENDENCIES_FILE, GENERATION_FILE}
    for path in sorted(package.rglob("*"), reverse=True):
        name = path.relative_to(package)
        if name.parts[0] in kept or "__pycache__" in name.parts:
            continue
        if path.is_file() and str(name) not in files:
            path.unlink()
        elif path.is_dir() and not any(child.name != "__pycache__" for child in path.iterdir()):
            shutil.rmtree(path)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
