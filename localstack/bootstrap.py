#!/usr/bin/env python3
"""Makes the project's Python environments from uv.lock, with only Python and PyPI.

    python3 localstack/bootstrap.py GROUP [GROUP ...]

Each dependency group of pyproject.toml becomes its own environment, `.local/envs/GROUP`
(`dev` becomes `.venv`, where editors look for it). An environment that is up to date costs nothing.
This file is run by whatever `python3` the machine has, so it must parse on old versions; it then
finds an interpreter that the project supports.
"""

import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOCAL = os.path.join(ROOT, ".local")
UV_VERSION = "0.13.8"
# The order of preference: the template's Lambda runtime first.
SUPPORTED_PYTHONS = ((3, 13), (3, 12))
LOCKED_INPUTS = (
    "pyproject.toml",
    "uv.lock",
    "localstack/embedded/pyproject.toml",
    "localstack/launcher/pyproject.toml",
    "ops/pyproject.toml",
    "localstack/bootstrap.py",
)


def version_of(interpreter):
    """Returns (major, minor) of an interpreter, or None where it doesn't run."""
    code = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
    try:
        out = subprocess.run(
            [interpreter, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30
        ).stdout
        major, minor = out.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def find_python():
    """Returns the path of the best supported interpreter: on PATH, else among pyenv's versions."""
    candidates = [os.environ.get("SAGASHOP_PYTHON"), sys.executable]
    for major, minor in SUPPORTED_PYTHONS:
        candidates.append(shutil.which("python%d.%d" % (major, minor)))
        pattern = "~/.pyenv/versions/%d.%d*/bin/python" % (major, minor)
        candidates.extend(sorted(glob.glob(os.path.expanduser(pattern)), reverse=True))
    found = {}
    for candidate in candidates:
        if candidate:
            found.setdefault(version_of(candidate), candidate)
    for version in SUPPORTED_PYTHONS:
        if version in found:
            return found[version]
    sys.exit(
        "error: sagashop needs Python 3.12 or 3.13 (with venv), and found only %s (Python %d.%d).\n"
        "Install one (Debian 13: `apt install python3-venv`; macOS: `brew install python@3.13`; "
        "anywhere: `pyenv install 3.13`) and run the command again, or name its path in "
        "SAGASHOP_PYTHON." % ((sys.executable,) + tuple(sys.version_info[:2]))
    )


def run_installer(command, env=None):
    result = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode != 0:
        sys.exit(
            "error: Installing packages from PyPI failed (exit code %d of `%s`):\n%s"
            % (result.returncode, " ".join(command), result.stdout.decode(errors="replace"))
        )


def ensure_uv(python):
    """Installs uv, the installer that reads the lock file, into `.local/uv`; returns its path."""
    home = os.path.join(LOCAL, "uv", UV_VERSION)
    uv = os.path.join(home, "bin", "uv")
    if not os.path.exists(uv):
        shutil.rmtree(home, ignore_errors=True)
        run_installer([python, "-m", "venv", home])
        run_installer([os.path.join(home, "bin", "pip"), "install", "-q", "uv==" + UV_VERSION])
    return uv


def fingerprint(python):
    digest = hashlib.sha256(python.encode())
    for name in LOCKED_INPUTS:
        with open(os.path.join(ROOT, name), "rb") as locked:
            digest.update(locked.read())
    return digest.hexdigest()


def ensure_environment(group, python, wanted):
    """Makes or updates one environment; does nothing where it already matches the lock file."""
    path = os.path.join(ROOT, ".venv") if group == "dev" else os.path.join(LOCAL, "envs", group)
    stamp = os.path.join(path, ".sagashop-fingerprint")
    if os.path.exists(stamp):
        with open(stamp) as recorded:
            if recorded.read() == wanted:
                return
    sys.stderr.write("  installing the %s environment from uv.lock\n" % group)
    env = dict(
        os.environ,
        UV_PROJECT_ENVIRONMENT=path,
        UV_PYTHON=python,
        UV_PYTHON_DOWNLOADS="never",
        # What Lambda workers import is compiled now, not at every function's first call.
        UV_COMPILE_BYTECODE="1" if group == "runtime" else "0",
    )
    env.pop("VIRTUAL_ENV", None)
    uv = ensure_uv(python)
    run_installer([uv, "sync", "--quiet", "--frozen", "--only-group", group, "--project", ROOT], env)
    with open(stamp, "w") as recorded:
        recorded.write(wanted)


def main(groups):
    if not groups:
        sys.exit(__doc__)
    os.makedirs(LOCAL, exist_ok=True)
    with open(os.path.join(LOCAL, "bootstrap.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = find_python()
        wanted = fingerprint(python)
        for group in groups:
            ensure_environment(group, python, wanted)


if __name__ == "__main__":
    main(sys.argv[1:])
