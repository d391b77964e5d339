"""What an operator does with the store as a whole: figures, sweeps, replays, injected failures."""

from datetime import UTC, datetime

import click

from sagashop_cli.commands.target import Target
from sagashop_cli.errors import InvalidArgument
from sagashop_cli.mail import report, sent_mail
from sagashop_cli.operations import chaos as failures
from sagashop_cli.operations import replay as replays
from sagashop_cli.operations import stats as figures
from sagashop_cli.operations import sweep as sweeps
from sagashop_cli.operations.journal import Journal


@click.command()
@click.pass_obj
def stats(target: Target) -> None:
    """Print the store's figures: orders, executions, steps, dead letters, mails."""
    for line in figures.describe(figures.read_stats(target.deployment)):
        target.say(line)


@click.command()
@click.option("--order", "order_id", default=None, help="This order's alone.")
@click.pass_obj
def mail(target: Target, order_id: str | None) -> None:
    """Show what was sent, to whom."""
    target.say(report(sent_mail(target.store.stack(), order_id)))


@click.command()
@click.option("--grace", type=click.IntRange(min=0), help="Seconds at rest before a row counts.")
@click.pass_obj
def sweep(target: Target, grace: int | None) -> None:
    """Have every service look now for what was left behind, and mend it."""
    deployment = target.deployment
    for swept in sweeps.sweep(deployment, Journal.of(deployment), grace):
        target.say(str(swept))


@click.command()
@click.argument("consumer")
@click.option("--order", "order_id", default="", help="This order's events.")
@click.option("--since", default="", help="All orders' events since a time, or `90m` ago.")
@click.option("--why", default="", help="The reason, for the record.")
@click.pass_obj
def replay(target: Target, consumer: str, order_id: str, since: str, why: str) -> None:
    """Send events from the order log to a CONSUMER again; no effect is doubled."""
    if bool(order_id) == bool(since):
        raise InvalidArgument("Which events? Say either ORDER=ord_… or SINCE=90m.")
    deployment = target.deployment
    chosen = replays.find_consumer(consumer)
    events = (
        replays.events_of(deployment, order_id)
        if order_id
        else replays.events_since(deployment, replays.read_since(since, datetime.now(UTC)))
    )
    sent = 0
    for event in replays.replay(deployment, Journal.of(deployment), chosen, events, why):
        sent += 1
        target.say(f"{event.occurred_at}  {event.detail_type} of {event.order_id}")
    target.say(f"{sent} of {len(events)} events sent to {chosen.name}; it doesn't hear the others.")


@click.command()
@click.argument("settings", nargs=-1, metavar="[off | NAME=NUMBER…]")
@click.pass_obj
def chaos(target: Target, settings: tuple[str, ...]) -> None:
    """Show which failures are injected, change them (payment.failure_rate=0.1), or turn all off."""
    deployment = target.deployment
    if settings == ("off",):
        failures.turn_off(deployment, Journal.of(deployment))
    elif settings:
        failures.change(deployment, Journal.of(deployment), settings)
    for line in failures.describe(failures.show(deployment)):
        target.say(line)


@click.command()
@click.option("--lines", "-n", default=50, show_default=True, help="How many of the last.")
@click.pass_obj
def operations(target: Target, lines: int) -> None:
    """List what operators did: who, what, why, and what came of it."""
    done = Journal.of(target.deployment).read(lines)
    for operation in done:
        target.say(str(operation))
    if not done:
        target.say("Nothing was done yet.")
