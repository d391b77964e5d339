"""Builds what the inventory works with, once a process and at its first use."""

from functools import cache

from inventory.repository import StockTable
from shared import dynamodb
from shared.storage import own_table


@cache
def repository() -> StockTable:
    return StockTable(dynamodb.client(), own_table())
