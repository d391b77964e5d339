"""The launcher's command line: its help, and how it ends."""

from pathlib import Path

import click
import pytest

from sagashop_local import main as command_line
from sagashop_local.main import cli, main
from sagashop_local.paths import StorePaths


@pytest.fixture
def no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every command look at a project where nothing runs."""
    monkeypatch.setattr(command_line, "StorePaths", lambda port: StorePaths(port, tmp_path))


def run(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Runs the program; returns its exit code."""
    monkeypatch.setattr("sys.argv", ["sagashop-local", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    if isinstance(ended.value.code, str):  # what Python prints to stderr, with the code 1
        print(ended.value.code)
        return 1
    return int(ended.value.code or 0)


def test_every_command_is_described() -> None:
    assert sorted(cli.commands) == ["deploy", "down", "reset", "seed", "status", "up", "watch"]
    assert all(isinstance(c, click.Command) and c.help for c in cli.commands.values())


@pytest.mark.parametrize("command", ["status", "deploy", "seed", "watch"])
def test_what_needs_a_store_says_that_there_is_none(
    command: str,
    no_store: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("--port", "4321", command, monkeypatch=monkeypatch) == 1
    assert "No store is running on port 4321" in capsys.readouterr().out


def test_stopping_a_store_that_does_not_run_is_no_failure(
    no_store: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--port", "4321", "down", monkeypatch=monkeypatch) == 0
    assert "The store was not running." in capsys.readouterr().out


def test_a_mistyped_command_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("upp", monkeypatch=monkeypatch) == 2
    assert "No such command" in capsys.readouterr().err


def test_the_port_is_read_from_the_environment(
    no_store: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "4322")

    assert run("status", monkeypatch=monkeypatch) == 1
    assert "port 4322" in capsys.readouterr().out
