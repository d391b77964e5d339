"""Where the store can be reached from: this machine alone."""

from typing import Any
from urllib.parse import urlsplit

import psutil


def test_nothing_of_the_store_listens_beyond_loopback(stack: dict[str, Any]) -> None:
    port = urlsplit(stack["endpoint_url"]).port
    assert port is not None
    # What receives has no peer: TCP's listeners, and UDP.
    receiving = [
        (socket.pid, *socket.laddr)
        for socket in psutil.net_connections("inet")
        if socket.laddr and not socket.raddr
    ]
    servers = {pid for pid, _, at in receiving if at in {port, port + 1}} - {None}

    family = servers | {
        child.pid for pid in servers for child in psutil.Process(pid).children(recursive=True)
    }
    addresses = {(ip, at) for pid, ip, at in receiving if pid in family}

    assert {at for _, at in addresses} >= {port, port + 1}
    assert {ip for ip, _ in addresses} == {"127.0.0.1"}
