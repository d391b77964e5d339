"""Builds what the realtime service works with, once a process and at its first use."""

from dataclasses import dataclass
from functools import cache

from realtime.clients import Clients
from realtime.orders import Orders
from realtime.repository import ConnectionTable
from realtime.service import Updates
from shared import dynamodb
from shared.settings import load
from shared.storage import own_table


@dataclass(frozen=True)
class _OrderSettings:
    order_queries_function: str


@dataclass(frozen=True)
class _ClientSettings:
    """`websocket_url` is where clients connect to, `ws://…` or `wss://…` with the stage."""

    websocket_url: str


@cache
def connections() -> ConnectionTable:
    return ConnectionTable(dynamodb.client(), own_table())


@cache
def orders() -> Orders:
    return Orders(load(_OrderSettings).order_queries_function)


@cache
def updates() -> Updates:
    return Updates(connections(), orders(), Clients(load(_ClientSettings).websocket_url))
