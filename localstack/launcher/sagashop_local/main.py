"""The launcher's command line: each command names its arguments and calls the store."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
from rich.console import Console

from localstack_embedded.settings import DynamoDbEngine
from sagashop_local.paths import StorePaths
from sagashop_local.progress import SilentProgress, progress_on
from sagashop_local.store import Store
from sagashop_local.watch import watch as watch_files
from sagashop_ops.program import run
from sagashop_ops.stack import DEFAULT_PORT, Stack


@dataclass(frozen=True)
class Target:
    """The store that a command is about."""

    port: int
    dynamodb_engine: DynamoDbEngine

    @property
    def store(self) -> Store:
        """The store, which does its work silently."""
        return Store(StorePaths(self.port), SilentProgress(), self.dynamodb_engine)

    @contextmanager
    def with_progress(self) -> Iterator[Store]:
        """Yields the store, which shows the steps of its work."""
        with progress_on(Console()) as progress:
            yield Store(StorePaths(self.port), progress, self.dynamodb_engine)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--port",
    envvar="PORT",
    show_envvar=True,
    type=click.IntRange(1024, 65534),
    default=DEFAULT_PORT,
    show_default=True,
    help="The store's port; each port has its own store.",
)
@click.option(
    "--dynamodb-engine",
    envvar="DYNAMODB_ENGINE",
    show_envvar=True,
    type=click.Choice(["embedded", "localstack"]),
    default="embedded",
    show_default=True,
    help="The DynamoDB server; `localstack` needs Java.",
)
@click.pass_context
def cli(context: click.Context, port: int, dynamodb_engine: DynamoDbEngine) -> None:
    """Run a sagashop store on this machine. The program for its operators is `sagashop`."""
    context.obj = Target(port, dynamodb_engine)


@cli.command()
@click.pass_obj
def up(target: Target) -> None:
    """Start the store, or bring a running one up to date."""
    started = time.monotonic()
    with target.with_progress() as store:
        stack = store.up()
    click.echo(f"\nThe store is up ({time.monotonic() - started:.1f} s).")
    _show_addresses(stack)


@cli.command()
@click.pass_obj
def down(target: Target) -> None:
    """Stop the store; orders and stock are kept."""
    with target.with_progress() as store:
        was_running = store.down()
    click.echo("The store is stopped." if was_running else "The store was not running.")


@cli.command()
@click.pass_obj
def status(target: Target) -> None:
    """Show whether the store runs, and its addresses. Exit with 1 if it does not run."""
    for server in target.store.status():
        state = "ready" if server.ready else "not ready" if server.pid else "stopped"
        process = f"process {server.pid}, port {server.port}" if server.pid else ""
        click.echo(f"{server.title:<20}{state:<11}{process}".rstrip())
    _show_addresses(target.store.stack())


@cli.command()
@click.pass_obj
def deploy(target: Target) -> None:
    """Bring code, resources and storefront of the running store up to date."""
    with target.with_progress() as store:
        store.deploy()


@cli.command()
@click.pass_obj
def watch(target: Target) -> None:
    """Bring every saved file into the running store, until Ctrl-C."""
    for sentence in watch_files(target.store):
        click.echo(sentence)


@cli.command()
@click.pass_obj
def seed(target: Target) -> None:
    """Add missing products to the catalogue; existing stock stays."""
    with target.with_progress() as store:
        store.seed()


@cli.command()
@click.pass_obj
def reset(target: Target) -> None:
    """Delete every order and restore the seeded stock."""
    with target.with_progress() as store:
        store.reset()
    click.echo("No orders, and the seeded stock.")


def _show_addresses(stack: Stack) -> None:
    click.echo(
        f"  storefront  {stack.storefront_url}\n"
        f"  HTTP API    {stack.api_url}\n"
        f"  AWS         {stack.endpoint_url}  (AWS_ENDPOINT_URL; region {stack.region})\n"
        f"  engine log  {stack.log_file}"
    )


def main() -> None:
    """Runs the program."""
    run(cli, "sagashop-local")


if __name__ == "__main__":
    main()
