"""The operator's command line: each command names its arguments, calls its module and prints."""

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from click.shell_completion import get_completion_class
from rich.console import Console

from sagashop_ops import audit as books
from sagashop_ops import chaos as failures
from sagashop_ops import circuit as circuits
from sagashop_ops import dead_letters, sessions, token_keys
from sagashop_ops import logs as log_reader
from sagashop_ops import mail as mailbox
from sagashop_ops import parked as parked_orders
from sagashop_ops import redrive as redrives
from sagashop_ops import replay as replays
from sagashop_ops import stats as figures
from sagashop_ops import sweep as sweeps
from sagashop_ops import trace as traces
from sagashop_ops.aws import Deployment, shared_aws, table_of
from sagashop_ops.bench.run import PARTS, run_benchmark
from sagashop_ops.client import StoreClient
from sagashop_ops.demo import Stage, play_all
from sagashop_ops.durations import in_words, read_since
from sagashop_ops.errors import InvalidArgument
from sagashop_ops.journal import Journal, read_operations
from sagashop_ops.local import local_deployment
from sagashop_ops.prices import set_price
from sagashop_ops.program import run
from sagashop_ops.provider import allow_refund as allow_refund_of
from sagashop_ops.queues import find_queue
from sagashop_ops.stack import DEFAULT_PORT
from sagashop_ops.storefront import publish as publish_storefront

PROGRAM = "sagashop"

type Command = Callable[..., Any]


def stack_options(command: Command, *, inherited: bool = False) -> Command:
    """Adds the options that choose a stack; `inherited` ones may also precede the command."""

    def default(value: str | bool | int, variable: str | None = None) -> dict[str, Any]:
        shown = {"show_default": True, "envvar": variable, "show_envvar": True}
        return {"default": None} if inherited else {"default": value, **shown}

    for option in (
        click.option(
            "--port",
            type=click.IntRange(1024, 65534),
            help="The port of the local store.",
            **default(DEFAULT_PORT, "PORT"),
        ),
        click.option(
            "--aws",
            "on_aws",
            is_flag=True,
            help="Use the account and region that boto3 finds (AWS_PROFILE, AWS_REGION).",
            **default(False),
        ),
        click.option(
            "--stack",
            "stack_name",
            help="The name of the CloudFormation stack.",
            **default("sagashop", "SAGASHOP_STACK_NAME"),
        ),
    ):
        command = option(command)
    return command


def store_command(group: click.Group, name: str | None = None) -> Callable[[Command], Command]:
    """Adds a command with the options that choose a stack; its first argument is the Deployment."""

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def with_deployment(**options: Any) -> None:
            chosen = dict(click.get_current_context().find_root().params)
            for option in chosen:
                if (given := options.pop(option)) is not None:
                    chosen[option] = given
            command(
                Deployment.find(shared_aws(), chosen["stack_name"])
                if chosen["on_aws"]
                else local_deployment(chosen["port"], chosen["stack_name"]),
                **options,
            )

        return group.command(name)(stack_options(with_deployment, inherited=True))

    return add


def _not_blank(_: click.Context, __: click.Parameter, text: str) -> str:
    if not text.strip():
        raise click.BadParameter("it is empty.")
    return text


why_option = click.option(
    "--why", required=True, callback=_not_blank, help="The reason, for the record."
)


def _print(lines: Iterable[object]) -> None:
    for line in lines:
        click.echo(str(line))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@stack_options
def cli(**_: object) -> None:
    """Operate a sagashop store, on this machine or on AWS.

    Without --aws, commands use the local store that `make up` started. The options that choose a
    stack may also follow the command.
    """


@store_command(cli)
@click.argument("order_id")
def trace(deployment: Deployment, order_id: str) -> None:
    """Show one order's events, executions and log lines, by time."""
    _print(traces.describe(traces.read_sources(deployment, order_id)))


@store_command(cli)
@click.option("--since", help="Count metrics since a time, or `90m` ago.")
def stats(deployment: Deployment, since: str | None) -> None:
    """Print the figures of orders, circuits, steps, dead letters and mails."""
    begin = read_since(since, datetime.now(UTC)) if since else log_reader.EPOCH
    _print(figures.describe(figures.read_stats(deployment, begin)))


@store_command(cli)
@click.argument("function", required=False)
@click.option("--step", help="Show only the lines of this step of the saga (ChargePayment, say).")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is printed from now on.")
@click.option("--lines", "-n", default=200, show_default=True, help="How many lines to begin with.")
def logs(
    deployment: Deployment, function: str | None, step: str | None, follow: bool, lines: int
) -> None:
    """Show what the functions printed: all, or one FUNCTION."""
    functions = deployment.functions
    if function:
        functions = log_reader.select_function(functions, function)
    client = deployment.client("logs")
    shown = log_reader.read(client, functions)
    _print(log_reader.of_step(shown, step)[-lines:])
    if follow:
        for line in log_reader.follow(client, functions, shown):
            _print(log_reader.of_step([line], step))


@store_command(cli)
@click.option(
    "--open-limit",
    type=click.IntRange(min=1),
    default=books.OPEN_LIMIT // timedelta(minutes=1),
    show_default=True,
    help="Minutes that an order may be open, in addition to its time to pay.",
)
def audit(deployment: Deployment, open_limit: int) -> None:
    """Check that stock, money and parcels add up, and are what was promised.

    Exit with 1 if they are not.
    """
    limit = timedelta(minutes=open_limit)
    report = books.audit(books.read_books(deployment.stack), open_limit=limit)
    _print(books.describe(report))
    if not report.holds:
        raise click.exceptions.Exit(1)


@store_command(cli)
def parked(deployment: Deployment) -> None:
    """List the orders that need attention, with what is owed."""
    listed = redrives.OperatorApi.of(deployment).listed(redrives.PARKED)
    _print(parked_orders.describe(listed["orders"], listed["unreadable"]))


@store_command(cli)
@click.argument("order_id", required=False)
@click.option("--parked", "all_parked", is_flag=True, help="Redrive the parked orders together.")
@click.option(
    "--at",
    "compensation",
    type=click.Choice(redrives.COMPENSATIONS),
    help="With --parked: only those stuck at this compensation.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), help="With --parked: this many, longest parked first."
)
@click.option("--yes", "-y", is_flag=True, help="With --parked: do not ask for confirmation.")
@why_option
def redrive(
    deployment: Deployment,
    order_id: str | None,
    all_parked: bool,
    compensation: str | None,
    limit: int | None,
    yes: bool,
    why: str,
) -> None:
    """Resume the saga of a parked or dead order, or of all parked ones.

    An order that is being undone is undone from the first compensation on. With --parked, the
    command shows the orders and asks first. Ctrl-C stops it after the current order. Exit with 1 if
    an order was refused.
    """
    if all_parked is bool(order_id) or (order_id and (compensation or limit)):
        raise InvalidArgument("Which orders? Give either an ORDER_ID or --parked.")
    api, journal = redrives.OperatorApi.of(deployment), Journal.of(deployment)
    if order_id:
        click.echo(str(redrives.redrive(api, journal, order_id, why)))
        return
    chosen = redrives.select_parked(api.unsettled(redrives.PARKED), compensation, limit)
    if not chosen:
        click.echo(f"No order is parked at {compensation}." if compensation else parked_orders.NONE)
        return
    _print(parked_orders.describe(chosen))
    if not yes:
        click.confirm(f"Redrive {len(chosen)}?", abort=True)
    _redrive_all(api, journal, [order["order_id"] for order in chosen], why)


def _redrive_all(
    api: redrives.OperatorApi, journal: Journal, order_ids: Sequence[str], why: str
) -> None:
    """Shows the progress and, however it ends, what was done and what is left."""
    done = refused = 0
    try:
        with redrives.deferred_interrupt() as is_interrupted:
            for attempt in redrives.redrive_all(api, journal, order_ids, why):
                done += attempt.error is None
                refused += attempt.error is not None
                click.echo(f"{done + refused}/{len(order_ids)}  {attempt}")
                if is_interrupted():
                    break
    finally:
        left = len(order_ids) - done - refused
        click.echo(f"{done} redriven, {refused} refused, {left} left.")
    if is_interrupted():
        raise click.Abort
    if refused:
        raise click.exceptions.Exit(1)


@store_command(cli)
@click.argument("order_id")
@click.option("--why", default="", help="The reason, for the record.")
def allow_refund(deployment: Deployment, order_id: str, why: str) -> None:
    """Let the simulated provider refund an order again.

    It refuses refunds of orders that were paid with tok_refund_fails.
    """
    allow_refund_of(deployment, Journal.of(deployment), order_id, why)
    click.echo(f"The provider will refund order {order_id}: redrive the order.")


@cli.group()
def dlq() -> None:
    """List, read, redrive and drop dead letters."""


@store_command(dlq, "list")
def list_queues(deployment: Deployment) -> None:
    """Show how many letters each dead-letter queue has, and how old the oldest is."""
    for depth in dead_letters.depths(deployment):
        age = "" if depth.oldest is None else f"oldest {in_words(depth.oldest)}"
        tables = ", ".join(f"{n} of {table}" for table, n in depth.tables.items())
        click.echo(f"{depth.queue.name:<16}{depth.letters:>5}  {age}  {tables}".rstrip())


@store_command(dlq, "read")
@click.argument("queue")
def read_queue(deployment: Deployment, queue: str) -> None:
    """Show the letters in a QUEUE and their errors; every letter stays."""
    letters = dead_letters.read(deployment, find_queue(deployment, queue))
    for letter in letters:
        click.echo(f"{letter.message_id}  {letter.sent_at:%Y-%m-%d %H:%M:%SZ}  {letter.subject}")
        _print(f"    {line}" for line in (letter.why, *dead_letters.contents(deployment, letter)))
    if not letters:
        click.echo("No dead letters.")


@store_command(dlq, "redrive")
@click.argument("queue")
@click.option("--id", "message_id", default=dead_letters.EVERYTHING, help="Redrive one letter.")
@why_option
def redrive_queue(deployment: Deployment, queue: str, message_id: str, why: str) -> None:
    """Process the letters of a QUEUE again. Exit with 1 if any fails again."""
    attempts = []
    for attempt in dead_letters.redrive(
        deployment, Journal.of(deployment), find_queue(deployment, queue), why, message_id
    ):
        attempts.append(attempt)
        result = "redriven" if attempt.error is None else f"stays: {attempt.error}"
        click.echo(f"{attempt.letter.message_id}  {attempt.letter.subject}  {result}")
    failed = sum(attempt.error is not None for attempt in attempts)
    click.echo(f"{len(attempts) - failed} of {len(attempts)} redriven.")
    if failed:
        raise click.exceptions.Exit(1)


@store_command(dlq, "drop")
@click.argument("queue")
@click.argument("message_id")
@why_option
def drop_letters(deployment: Deployment, queue: str, message_id: str, why: str) -> None:
    """Delete the letter MESSAGE_ID, or `all`, of a QUEUE; the record keeps its text."""
    count = 0
    for letter in dead_letters.drop(
        deployment, Journal.of(deployment), find_queue(deployment, queue), why, message_id
    ):
        count += 1
        click.echo(f"{letter.message_id}  {letter.subject}  dropped")
    click.echo(f"{count} dropped; `sagashop operations` shows who and why.")


@store_command(cli)
@click.argument("consumer")
@click.option("--order", "order_id", default="", help="Replay this order's events.")
@click.option("--since", default="", help="Replay all events since a time, or `90m` ago.")
@click.option("--why", default="", help="The reason, for the record.")
def replay(deployment: Deployment, consumer: str, order_id: str, since: str, why: str) -> None:
    """Send logged events to a CONSUMER again.

    Consumers deduplicate events, so no effect happens twice.
    """
    if bool(order_id) == bool(since):
        raise InvalidArgument("Which events? Give either --order ord_… or --since 90m.")
    chosen = replays.find_consumer(consumer)
    events = (
        replays.events_of(deployment, order_id)
        if order_id
        else replays.events_since(deployment, read_since(since, datetime.now(UTC)))
    )
    sent = 0
    for event in replays.replay(deployment, Journal.of(deployment), chosen, events, why):
        sent += 1
        click.echo(f"{event.occurred_at}  {event.detail_type} of {event.order_id}")
    click.echo(f"{sent} of {len(events)} events sent to {chosen.name}; its rule skips the others.")


@cli.group()
def circuit() -> None:
    """Close a circuit breaker; `stats` shows both."""


@store_command(circuit, "close")
@click.argument("partner", type=click.Choice(sorted(circuits.SERVICES)))
@why_option
def close_circuit(deployment: Deployment, partner: str, why: str) -> None:
    """Let the calls to a PARTNER through again, without waiting for the next probe."""
    circuits.close(deployment, Journal.of(deployment), partner, why)
    click.echo(f"The circuit of {partner} is closed.")


@store_command(cli)
@click.argument("sku")
@click.argument("cents", type=click.IntRange(min=1))
@click.option("--why", default="", help="The reason, for the record.")
def price(deployment: Deployment, sku: str, cents: int, why: str) -> None:
    """Change the price of the product SKU to so many CENTS, from the next order on."""
    table = deployment.stack.tables["inventory"]
    with Journal.of(deployment).record("price", sku, why, cents=cents) as outcome:
        before = set_price(deployment.client("dynamodb"), table, sku, cents)
        outcome["before"] = before
    click.echo(f"{sku} costs {cents / 100:,.2f}; before: {before / 100:,.2f}.")


@store_command(cli)
@click.option("--grace", type=click.IntRange(min=0), help="Seconds at rest before a row counts.")
def sweep(deployment: Deployment, grace: int | None) -> None:
    """Run every service's sweeper now, to finish what is left."""
    _print(map(sweeps.describe, sweeps.sweep(deployment, Journal.of(deployment), grace)))


@store_command(cli)
@click.argument("settings", nargs=-1, metavar="[off | NAME=NUMBER…]")
def chaos(deployment: Deployment, settings: tuple[str, ...]) -> None:
    """Show or change the injected failures.

    Set one with payment.failure_rate=0.1 or steps.CommitStock.error_rate=1, and all back with off.
    """
    if settings == ("off",):
        failures.turn_off(deployment, Journal.of(deployment))
    elif settings:
        failures.change(deployment, Journal.of(deployment), settings)
    _print(failures.describe(failures.show(deployment)))


@store_command(cli)
@click.option("--order", "order_id", default=None, help="Show only this order's mail.")
def mail(deployment: Deployment, order_id: str | None) -> None:
    """Show the mail that a local store sent, and to whom."""
    click.echo(mailbox.report(mailbox.sent_mail(deployment.stack, order_id)))


@cli.group()
def operator() -> None:
    """Make operators' accounts."""


@store_command(operator, "add")
@click.argument("email")
@click.option("--ask", is_flag=True, help="Ask for the password instead of making one up.")
def add_operator(deployment: Deployment, email: str, ask: bool) -> None:
    """Make an operator's account for EMAIL, and print its password once.

    An account that EMAIL has becomes an operator's, with the new password; its sessions end. Your
    AWS credentials decide whether you may.
    """
    password = _read_password(confirm=True) if ask else sessions.new_password()
    account_id = sessions.add_operator(deployment, sessions.Credentials(email, password))
    click.echo(f"{email} is an operator, with the account {account_id}.")
    if not ask:
        click.echo(f"The password, which is not shown again: {password}")


@store_command(cli)
@click.argument("email")
def sign_in(deployment: Deployment, email: str) -> None:
    """Sign in as the operator EMAIL; the password is asked for, or read from a pipe."""
    credentials = sessions.Credentials(email, _read_password())
    session = sessions.sign_in(deployment.stack, credentials)
    click.echo(f"You are signed in as {email}, with the account {session.account_id}.")


@store_command(cli)
def sign_out(deployment: Deployment) -> None:
    """End your session."""
    was_signed_in = sessions.sign_out(deployment.stack)
    click.echo("You are signed out." if was_signed_in else "Nobody was signed in.")


def _read_password(*, confirm: bool = False) -> str:
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm)
        return password
    return sys.stdin.readline().rstrip("\n")


@cli.group()
def tokens() -> None:
    """Show your access token, and rotate the keys that sign tokens."""


@store_command(tokens, "show")
def show_token(deployment: Deployment) -> None:
    """Print your access token, for requests of your own; it is valid for a minute at least."""
    click.echo(sessions.signed_in(deployment.stack).access_token)


@store_command(tokens, "rotate")
@click.option("--revoke", is_flag=True, help="Drop the old keys: all tokens end within a minute.")
@why_option
def rotate_tokens(deployment: Deployment, revoke: bool, why: str) -> None:
    """Sign with a new key from now on.

    The tokens of the old one stay valid until they expire. With --revoke, everybody has to renew
    the session, and the tokens in guests' mails open nothing any more.
    """
    journal = Journal.of(deployment)
    with journal.record("rotate tokens", "token keys", why, revoke=revoke) as outcome:
        keys = token_keys.rotate(deployment, datetime.now(UTC), revoke=revoke)
        outcome["current"] = keys["current"]
    click.echo(f"Tokens are signed with the key {keys['current']}; {len(keys) - 1} are valid.")


@store_command(cli)
def publish(deployment: Deployment) -> None:
    """Publish the storefront, with the addresses and the saga of the stack."""
    click.echo(f"{publish_storefront(deployment.stack)} files: {deployment.stack.storefront_url}")


@store_command(cli)
@click.option("--lines", "-n", default=50, show_default=True, help="How many of the last.")
def operations(deployment: Deployment, lines: int) -> None:
    """List what operators did: who, what, why, and the result."""
    _print(
        read_operations(table_of(deployment.stack, "operations"), lines)
        or ["No operation is recorded."]
    )


@store_command(cli)
def demo(deployment: Deployment) -> None:
    """Play the saga's scenarios and show what happened. Exit with 1 on a surprise."""
    client = StoreClient(deployment.stack.api_url)
    if not play_all(Stage(client, deployment, Console())):
        raise click.exceptions.Exit(1)


@cli.command()
@click.option(
    "--only",
    "parts",
    type=click.Choice(PARTS),
    multiple=True,
    default=PARTS,
    help="Measure one part; `size` needs no store. May be repeated.",
)
@click.pass_context
def bench(context: click.Context, parts: tuple[str, ...]) -> None:
    """Measure a new local store, the source and the tests.

    Exit with 1 if a target is missed.
    """
    if not run_benchmark(context.find_root().params["port"], Console(), parts):
        raise click.exceptions.Exit(1)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes commands.

    Add this to the shell's startup file: eval "$(sagashop completion bash)"
    """
    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(cli, {}, PROGRAM, "_SAGASHOP_COMPLETE").source())


def main() -> None:
    """Runs the program."""
    run(cli, PROGRAM)


if __name__ == "__main__":
    main()
