"""What an operator does with single orders: look, resume, mend."""

import click

from sagashop_cli.commands.target import Target
from sagashop_cli.errors import ReasonMissing
from sagashop_cli.operations import provider, redrive, trace
from sagashop_cli.operations.journal import Journal
from sagashop_cli.operations.parked import describe as describe_parked
from sagashop_cli.operations.secret import read_operator_secret


@click.command()
@click.argument("order_id")
@click.pass_obj
def show_trace(target: Target, order_id: str) -> None:
    """Tell one order's whole story, from its events, executions and logs."""
    for line in trace.describe(trace.read_sources(target.deployment, order_id)):
        target.say(line)


@click.command()
@click.pass_obj
def parked(target: Target) -> None:
    """List the orders that need attention, with what is owed."""
    orders = redrive.OperatorApi.of(target.deployment).unsettled(redrive.PARKED)
    for line in describe_parked(orders):
        target.say(line)


@click.command()
@click.argument("order_id")
@click.option("--why", default="", help="The reason, for the record.")
@click.pass_obj
def redrive_order(target: Target, order_id: str, why: str) -> None:
    """Resume the saga of a parked or dead order where it stood."""
    if not why:
        raise ReasonMissing("redrive this order")
    deployment = target.deployment
    api = redrive.OperatorApi.of(deployment)
    target.say(str(redrive.redrive(api, Journal.of(deployment), order_id, why)))


@click.command()
@click.argument("order_id")
@click.option("--why", default="", help="The reason, for the record.")
@click.pass_obj
def allow_refund(target: Target, order_id: str, why: str) -> None:
    """Mend the simulated provider, so that it refunds an order paid with tok_refund_fails."""
    deployment = target.deployment
    provider.allow_refund(deployment, Journal.of(deployment), order_id, why)
    target.say(f"The provider refunds order {order_id} when it is asked again: redrive the order.")


@click.command()
@click.pass_obj
def secret(target: Target) -> None:
    """Print the operator's secret."""
    target.say(read_operator_secret(target.deployment))
