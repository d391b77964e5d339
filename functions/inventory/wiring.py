"""Builds what the inventory works with, once a process and at its first use."""

from dataclasses import dataclass
from functools import cache

from inventory.ports import StockRepository
from inventory.repository import StockTable
from shared import dynamodb
from shared.settings import load


@dataclass(frozen=True)
class Settings:
    """`table_name` is the inventory's own table."""

    table_name: str


@cache
def settings() -> Settings:
    """Returns the function's settings."""
    return load(Settings)


@cache
def repository() -> StockRepository:
    """Returns the catalogue and the reservations."""
    return StockTable(dynamodb.client(), settings().table_name)
