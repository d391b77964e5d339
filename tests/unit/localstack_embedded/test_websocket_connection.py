"""One connection of a WebSocket API: its time limits, its end, a client that reads slowly."""

import pytest
from wsproto.events import CloseConnection, Ping, Pong

from localstack_embedded.websocket_apis.connection import (
    BUFFER_BYTES,
    CLOSE_SECONDS,
    IDLE_SECONDS,
    LIFETIME_SECONDS,
    BufferFull,
    Connection,
)
from localstack_embedded.websocket_apis.protocol import Closing
from unit.localstack_embedded.websocket_fakes import FakeLoop, Peer


class Heard:
    """What a listener hears."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.ends: list[Closing] = []

    def received(self, _: Connection, message: str) -> None:
        self.messages.append(message)

    def ended(self, _: Connection, end: Closing) -> None:
        self.ends.append(end)


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def peer(loop: FakeLoop, heard: Heard) -> Peer:
    return Peer(loop, heard)


def test_messages_go_both_ways(peer: Peer, heard: Heard) -> None:
    peer.say("hello")
    peer.connection.send("and you")

    assert heard.messages == ["hello"]
    assert peer.texts == ["and you"]


def test_an_idle_connection_ends_after_ten_minutes(
    peer: Peer, loop: FakeLoop, heard: Heard
) -> None:
    loop.pass_time(IDLE_SECONDS - 1)
    assert peer.close_frame is None

    loop.pass_time(1)

    assert peer.close_frame == CloseConnection(code=1001, reason="Going away")
    assert heard.ends == [Closing(1001, "Going away")]


@pytest.mark.parametrize("activity", ["message", "answer", "ping"])
def test_any_activity_puts_that_off(peer: Peer, loop: FakeLoop, activity: str) -> None:
    loop.pass_time(IDLE_SECONDS - 1)
    if activity == "message":
        peer.say("hello")
    elif activity == "answer":
        peer.connection.send("hello")
    else:
        peer.say(Ping())
        assert peer.events == [Pong()]

    loop.pass_time(IDLE_SECONDS - 1)
    assert peer.close_frame is None

    loop.pass_time(1)
    assert peer.close_frame is not None


def test_a_busy_connection_ends_after_two_hours(peer: Peer, loop: FakeLoop, heard: Heard) -> None:
    for _ in range(LIFETIME_SECONDS // 60 - 1):
        loop.pass_time(60)
        peer.say("still here")
    assert peer.close_frame is None

    loop.pass_time(60)

    assert peer.close_frame == CloseConnection(code=1001, reason="Going away")
    assert heard.ends == [Closing(1001, "Going away")]


def test_the_client_may_end_it(peer: Peer, loop: FakeLoop, heard: Heard) -> None:
    peer.say(CloseConnection(code=1000, reason="done"))
    assert peer.close_frame == CloseConnection(code=1000, reason="done")
    assert peer.is_closed

    peer.connection.lost()

    assert heard.ends == [Closing(1000, "done")]
    assert not loop.waiting()


def test_the_server_waits_for_the_clients_close_frame(
    peer: Peer, loop: FakeLoop, heard: Heard
) -> None:
    peer.connection.close(1000)
    assert not peer.is_closed

    peer.say(CloseConnection(code=1000))
    assert peer.is_closed

    peer.connection.lost()
    assert heard.ends == [Closing(1000, "Connection Closed Normally")]
    assert not loop.waiting()


def test_but_not_for_ever(peer: Peer, loop: FakeLoop) -> None:
    peer.connection.close(1000)

    loop.pass_time(CLOSE_SECONDS)

    assert peer.is_aborted
    assert not loop.waiting()


def test_a_client_that_vanishes_is_reported_as_such(
    peer: Peer, loop: FakeLoop, heard: Heard
) -> None:
    peer.connection.lost()

    assert heard.ends == [Closing(1006, "Connection Closed Abnormally")]
    assert not loop.waiting()


def test_nothing_is_sent_after_the_end(peer: Peer) -> None:
    peer.connection.close(1000)

    peer.connection.send("too late")
    peer.connection.close(1001)

    (frame,) = peer.events
    assert frame == peer.close_frame
    assert peer.close_frame.code == 1000


def test_not_too_much_waits_for_a_client_that_reads_slowly(peer: Peer) -> None:
    message = "x" * (BUFFER_BYTES // 8)
    peer.connection.paused()
    for _ in range(7):
        peer.connection.send(message)

    with pytest.raises(BufferFull):
        peer.connection.send(message)

    peer.connection.resumed()
    peer.connection.send(message)
    assert len("".join(peer.texts)) == 8 * len(message)


def test_activity_has_a_time(peer: Peer) -> None:
    before = peer.connection.last_active_at

    peer.say("hello")

    assert peer.connection.last_active_at > before
