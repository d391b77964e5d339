"""The launcher's command line: each command names its arguments and calls the store."""

import time

import click
from rich.console import Console

from localstack_embedded.settings import DynamoDbEngine
from sagashop_local.paths import StorePaths
from sagashop_local.progress import Progress
from sagashop_local.store import Store
from sagashop_local.watch import watch as watch_files
from sagashop_ops.program import run
from sagashop_ops.stack import DEFAULT_PORT, Stack


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
    # `watch` says in sentences of its own what it does.
    progress = Progress(Console(quiet=context.invoked_subcommand == "watch"))
    context.obj = Store(StorePaths(port), progress, dynamodb_engine)


@cli.command()
@click.pass_obj
def up(store: Store) -> None:
    """Start the store, or bring a running one up to date."""
    started = time.monotonic()
    stack = store.up()
    click.echo(f"\nThe store is up ({time.monotonic() - started:.1f} s).")
    _show_addresses(stack)


@cli.command()
@click.pass_obj
def down(store: Store) -> None:
    """Stop the store; orders and stock are kept."""
    was_running = store.down()
    click.echo("The store is stopped." if was_running else "The store was not running.")


@cli.command()
@click.pass_obj
def status(store: Store) -> None:
    """Show whether the store runs, and its addresses. Exit with 1 if it does not run."""
    for server in store.status():
        state = "ready" if server.ready else "not ready" if server.pid else "stopped"
        process = f"process {server.pid}, port {server.port}" if server.pid else ""
        click.echo(f"{server.title:<20}{state:<11}{process}".rstrip())
    _show_addresses(store.stack())


@cli.command()
@click.pass_obj
def deploy(store: Store) -> None:
    """Bring code, resources and storefront of the running store up to date."""
    store.deploy()


@cli.command()
@click.pass_obj
def watch(store: Store) -> None:
    """Bring every saved file into the running store, until Ctrl-C."""
    for sentence in watch_files(store):
        click.echo(sentence)


@cli.command()
@click.pass_obj
def seed(store: Store) -> None:
    """Add missing products to the catalogue; existing stock stays."""
    store.seed()


@cli.command()
@click.pass_obj
def reset(store: Store) -> None:
    """Delete every order and restore the seeded stock."""
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
