"""The dead-letter queues' commands: list, read, redrive, drop."""

import click

from sagashop_cli.commands.target import Target
from sagashop_cli.operations import dead_letters
from sagashop_cli.operations.durations import in_words
from sagashop_cli.operations.journal import Journal
from sagashop_cli.operations.queues import find_queue


@click.group()
def dlq() -> None:
    """List, read, redrive and drop dead letters."""


@dlq.command("list")
@click.pass_obj
def list_queues(target: Target) -> None:
    """Show how many letters each dead-letter queue has, and how old the oldest is."""
    for depth in dead_letters.depths(target.deployment):
        age = "" if depth.oldest is None else f"oldest {in_words(depth.oldest)}"
        target.say(f"{depth.queue.name:<16}{depth.letters:>5}  {age}".rstrip())


@dlq.command()
@click.argument("queue")
@click.pass_obj
def read(target: Target, queue: str) -> None:
    """Show what is in a QUEUE, and why it died; everything stays there."""
    deployment = target.deployment
    letters = dead_letters.read(deployment, find_queue(deployment, queue))
    for letter in letters:
        target.say(f"{letter.message_id}  {letter.sent_at:%Y-%m-%d %H:%M:%SZ}  {letter.subject}")
        for line in (letter.why, *dead_letters.contents(deployment, letter)):
            target.say(f"    {line}")
    if not letters:
        target.say("No dead letters.")


@dlq.command()
@click.argument("queue")
@click.option("--id", "message_id", default="", help="One letter; all without it.")
@click.option("--why", default="", help="The reason, for the record.")
@click.pass_obj
def redrive(target: Target, queue: str, message_id: str, why: str) -> None:
    """Do again what the letters of a QUEUE ask for. Exits with 1 where any failed again."""
    deployment = target.deployment
    attempts = list(
        dead_letters.redrive(
            deployment,
            Journal.of(deployment),
            find_queue(deployment, queue),
            why,
            message_id or dead_letters.EVERYTHING,
        )
    )
    for attempt in attempts:
        came_of_it = "redriven" if attempt.error is None else f"stays: {attempt.error}"
        target.say(f"{attempt.letter.message_id}  {attempt.letter.subject}  {came_of_it}")
    target.say(f"{sum(attempt.error is None for attempt in attempts)} of {len(attempts)} redriven.")
    if any(attempt.error for attempt in attempts):
        raise click.exceptions.Exit(1)


@dlq.command()
@click.argument("queue")
@click.argument("message_id")
@click.option("--why", default="", help="The reason, for the record.")
@click.pass_obj
def drop(target: Target, queue: str, message_id: str, why: str) -> None:
    """Delete the letter MESSAGE_ID, or `all`, of a QUEUE; the record keeps its text."""
    deployment = target.deployment
    count = 0
    for letter in dead_letters.drop(
        deployment, Journal.of(deployment), find_queue(deployment, queue), why, message_id
    ):
        count += 1
        target.say(f"{letter.message_id}  {letter.subject}  dropped")
    target.say(f"{count} dropped; `make operations` shows who and why.")
