"""Builds what the inventory works with, once a process and at its first use."""

from functools import cache

from inventory.repository import StockTable
from shared import dynamodb
from shared.storage import own_table


@cache
def repository() -> StockTable:
    """Returns the catalogue and the reservations."""
    return StockTable(dynamodb.client(), own_table())
