"""The operator's command line: its help, its arguments, and how it ends."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from sagashop_ops import local
from sagashop_ops.main import cli, main

COMMANDS = (
    "allow-refund audit bench chaos circuit completion demo dlq logs mail operations operator "
    "parked price publish redrive replay sign-in sign-out stats sweep tokens trace"
)


@pytest.fixture
def no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every command look at a project where nothing runs."""
    monkeypatch.setattr(local, "state_folder", lambda port: tmp_path / str(port))


def run(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Runs the program; returns its exit code."""
    monkeypatch.setattr("sys.argv", ["sagashop", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    if isinstance(ended.value.code, str):  # what Python prints to stderr, with the code 1
        print(ended.value.code)
        return 1
    return int(ended.value.code or 0)


def test_every_command_is_described() -> None:
    assert " ".join(sorted(cli.commands)) == COMMANDS
    assert all(isinstance(c, click.Command) and c.help for c in cli.commands.values())


@pytest.mark.parametrize(
    "command",
    [
        "logs",
        "audit",
        "mail",
        "stats",
        "parked",
        "operator add ada@example.com",
        "sign-in ada@example.com",
        "sign-out",
        "tokens show",
        "tokens rotate --why tested",
        "sweep",
        "chaos",
        "demo",
        "operations",
        "trace ord_1",
        "redrive ord_1 --why tested",
        "redrive --parked --at RefundPayment --limit 3 --yes --why tested",
        "circuit close payment --why tested",
        "price product-001 900",
        "allow-refund ord_1",
        "dlq list",
        "dlq read Sweep",
        "dlq redrive Sweep --why tested",
        "dlq drop Sweep all --why tested",
        "replay RecordEvent --order ord_1",
    ],
)
def test_what_needs_a_store_says_that_there_is_none(
    command: str,
    no_store: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*command.split(), "--port", "4321", monkeypatch=monkeypatch) == 1
    assert "No store is running on port 4321" in capsys.readouterr().out


@pytest.mark.parametrize("why", [[], ["--why", " "]], ids=["missing", "blank"])
@pytest.mark.parametrize(
    "command",
    [
        "redrive ord_1",
        "redrive --parked",
        "circuit close shipping",
        "dlq redrive Notification",
        "dlq drop Notification all",
        "tokens rotate",
    ],
)
def test_what_cannot_be_undone_requires_a_reason(
    command: str,
    why: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*command.split(), *why, monkeypatch=monkeypatch) == 2
    assert "--why" in capsys.readouterr().err


def test_a_mistyped_command_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("audti", monkeypatch=monkeypatch) == 2
    assert "No such command" in capsys.readouterr().err


def test_the_port_is_read_from_the_environment(
    no_store: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "4322")

    assert run("audit", monkeypatch=monkeypatch) == 1
    assert "port 4322" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_a_script_that_completes_commands(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("completion", shell, monkeypatch=monkeypatch) == 0
    assert f"_SAGASHOP_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_commands_are_completed() -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "sagashop_ops.main"],
        env={"_SAGASHOP_COMPLETE": "bash_complete", "COMP_WORDS": "sagashop re", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert completed.stdout.split() == ["plain,redrive", "plain,replay"]
