"""sagashop's command line: each command says what it is called and hands over to its module."""

import signal
import sys
import time

import click

from localstack_embedded.settings import DynamoDbEngine
from sagashop_cli import audit as books
from sagashop_cli import logs as log_reader
from sagashop_cli.bench.run import run_benchmark
from sagashop_cli.client import StoreClient
from sagashop_cli.commands import dead_letters, operation, orders
from sagashop_cli.commands.target import Target
from sagashop_cli.demo import Stage, play_all
from sagashop_cli.errors import SagashopError
from sagashop_cli.paths import DEFAULT_PORT, PROJECT_ROOT
from sagashop_cli.stack import Stack
from sagashop_cli.store import STACK_NAME
from sagashop_cli.watch import watch as watch_files

INTERRUPTED = 130  # what shells report for a program ended by Ctrl-C


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--port",
    envvar="PORT",
    type=click.IntRange(1024, 65534),
    default=DEFAULT_PORT,
    show_default=True,
    help="Which store: each port has one of its own. Also read from PORT.",
)
@click.option(
    "--dynamodb-engine",
    envvar="DYNAMODB_ENGINE",
    type=click.Choice(["embedded", "localstack"]),
    default="embedded",
    show_default=True,
    help="Which DynamoDB server; `localstack` needs Java. Also read from DYNAMODB_ENGINE.",
)
@click.pass_context
def cli(context: click.Context, port: int, dynamodb_engine: DynamoDbEngine) -> None:
    """Runs a sagashop store on this machine."""
    context.obj = Target(port, dynamodb_engine)


@cli.command()
@click.pass_obj
def up(target: Target) -> None:
    """Start the store, or bring a running one up to date."""
    started = time.monotonic()
    with target.with_progress() as store:
        stack = store.up()
    target.say(f"\nThe store is up ({time.monotonic() - started:.1f} s).")
    _show_addresses(target, stack)


@cli.command()
@click.pass_obj
def down(target: Target) -> None:
    """Stop the store; orders and stock are kept."""
    with target.with_progress() as store:
        was_running = store.down()
    target.say("The store is stopped." if was_running else "The store was not running.")


@cli.command()
@click.pass_obj
def reset(target: Target) -> None:
    """Forget every order and fill the shelves again."""
    with target.with_progress() as store:
        store.reset()
    target.say("No orders, and the seeded stock.")


@cli.command()
@click.pass_obj
def deploy(target: Target) -> None:
    """Bring code, resources and storefront of the running store up to date."""
    with target.with_progress() as store:
        store.deploy()


@cli.command()
@click.pass_obj
def seed(target: Target) -> None:
    """Put missing products on the shelves; existing stock stays."""
    with target.with_progress() as store:
        store.seed()


@cli.command()
@click.pass_obj
def watch(target: Target) -> None:
    """Carry every saved file into the running store, until Ctrl-C."""
    for sentence in watch_files(target.store):
        target.say(sentence)


@cli.command()
@click.pass_obj
def status(target: Target) -> None:
    """Say whether the store runs, and where. Exits with 1 unless it does."""
    store = target.store
    for server in store.status():
        state = "ready" if server.ready else "not ready" if server.pid else "stopped"
        process = f"process {server.pid}, port {server.port}" if server.pid else ""
        target.say(f"{server.title:<20}{state:<11}{process}".rstrip())
    _show_addresses(target, store.stack())


@cli.command()
@click.argument("function", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on with what is printed from now on.")
@click.option("--lines", "-n", default=200, show_default=True, help="How many lines to begin with.")
@click.pass_obj
def logs(target: Target, function: str | None, follow: bool, lines: int) -> None:
    """Show what FUNCTION (ReserveStock, say), or every function, printed."""
    store = target.store
    store.stack()
    functions = log_reader.find_functions(store.aws, STACK_NAME)
    if function:
        functions = log_reader.select_function(functions, function)
    shown = log_reader.read(store.aws, functions, lines)
    for line in shown:
        target.say(str(line))
    if follow:
        for line in log_reader.follow(store.aws, functions, shown):
            target.say(str(line))


@cli.command()
@click.pass_obj
def audit(target: Target) -> None:
    """Check that stock and money add up. Exits with 1 where they don't."""
    report = books.audit(books.read_books(target.store.stack()))
    for line in books.describe(report):
        target.say(line)
    if not report.holds:
        raise click.exceptions.Exit(1)


@cli.command()
@click.pass_obj
def demo(target: Target) -> None:
    """Play the saga's scenarios and tell what happened. Exits with 1 on a surprise."""
    stack = target.store.stack()
    stage = Stage(StoreClient(stack.api_url), stack, target.console)
    if not play_all(stage):
        raise click.exceptions.Exit(1)


@cli.command()
@click.option(
    "--tests/--no-tests", default=True, show_default=True, help="Time the test suite as well."
)
@click.pass_obj
def bench(target: Target, tests: bool) -> None:
    """Measure a store of its own beside this one. Exits with 1 where a target is missed."""
    if not run_benchmark(PROJECT_ROOT, target.port, target.console, tests):
        raise click.exceptions.Exit(1)


for name, command in {
    "trace": orders.show_trace,
    "parked": orders.parked,
    "redrive": orders.redrive_order,
    "allow-refund": orders.allow_refund,
    "secret": orders.secret,
    "dlq": dead_letters.dlq,
    "mail": operation.mail,
    "replay": operation.replay,
    "sweep": operation.sweep,
    "chaos": operation.chaos,
    "stats": operation.stats,
    "operations": operation.operations,
}.items():
    cli.add_command(command, name)


def _show_addresses(target: Target, stack: Stack) -> None:
    target.say(
        f"  storefront  {stack.storefront_url}\n"
        f"  HTTP API    {stack.api_url}\n"
        f"  AWS         {stack.endpoint_url}  (AWS_ENDPOINT_URL; region {stack.region})\n"
        f"  engine log  {stack.log_file}"
    )


def main() -> None:
    """Runs a command; a failure is one message on stderr and a non-zero exit code."""
    # A job that is cancelled gets SIGTERM: it must stop what it started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        exit_code = cli.main(standalone_mode=False)
    except SagashopError as failure:
        sys.exit(f"error: {failure}")
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(mistake.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    sys.exit(exit_code or 0)


if __name__ == "__main__":
    main()
