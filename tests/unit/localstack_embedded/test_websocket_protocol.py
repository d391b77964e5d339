"""WebSocket and API Gateway's limits, between a client and a server without a socket."""

import os

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    Request,
    TextMessage,
)

from localstack_embedded.websocket_apis.protocol import (
    FRAME_BYTES,
    MESSAGE_BYTES,
    BadHandshake,
    Closing,
    Message,
    Output,
    WebSocketProtocol,
)

HEADERS = [
    (b"Host", b"localhost"),
    (b"Upgrade", b"websocket"),
    (b"Connection", b"Upgrade"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
]

# Masked, as all that a client sends.
EMPTY_CLOSE_FRAME = b"\x88\x80" + b"mask"


class Conversation:
    """A client and the server, connected by hand."""

    def __init__(self, *subprotocols: str, chosen: str | None = None) -> None:
        self._client = WSConnection(ConnectionType.CLIENT)
        opening = self._client.send(Request("localhost", "/live", subprotocols=list(subprotocols)))
        lines = opening.decode().split("\r\n")[1:-2]
        headers = [line.partition(": ")[::2] for line in lines]
        self.server = WebSocketProtocol(
            "/live", [(name.encode(), value.encode()) for name, value in headers]
        )
        (self.accepted,) = self.deliver(self.server.accept(chosen))

    def deliver(self, data: bytes) -> list[Event]:
        """Returns what the client understands of the server's bytes."""
        self._client.receive_data(data)
        return list(self._client.events())

    def say(self, *events: Event, piece: int = 2**20) -> list[Message | Closing]:
        """Sends the client's events in pieces; returns what the server made of them."""
        data = b"".join(self._client.send(event) for event in events)
        heard: list[Message | Closing] = []
        self.answers: list[Event] = []
        for start in range(0, len(data), piece):
            for part in self.server.receive(data[start : start + piece]):
                if isinstance(part, Output):
                    self.answers += self.deliver(part.data)
                else:
                    heard.append(part)
        return heard


def frames(total: int, size: int) -> list[Event]:
    """A message of `total` bytes, in frames of `size`."""
    sizes = [min(size, total - start) for start in range(0, total, size)]
    return [
        TextMessage(data="x" * length, message_finished=number == len(sizes))
        for number, length in enumerate(sizes, start=1)
    ]


def test_a_message_arrives() -> None:
    assert Conversation().say(TextMessage(data="hello")) == [Message("hello")]


def test_a_message_may_arrive_in_pieces() -> None:
    assert Conversation().say(TextMessage(data="né" * 100), piece=1) == [Message("né" * 100)]


def test_a_message_of_the_greatest_size_arrives() -> None:
    (message,) = Conversation().say(*frames(MESSAGE_BYTES, FRAME_BYTES))

    assert isinstance(message, Message)
    assert len(message.text) == MESSAGE_BYTES


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(frames(FRAME_BYTES + 1, FRAME_BYTES + 1), id="frame"),
        pytest.param(frames(MESSAGE_BYTES + 1, FRAME_BYTES), id="message"),
        pytest.param([TextMessage(data="é" * (FRAME_BYTES // 2 + 1))], id="bytes, not characters"),
    ],
)
@pytest.mark.parametrize("piece", [1000, 2**20])
def test_what_is_greater_closes_with_1009(events: list[Event], piece: int) -> None:
    conversation = Conversation()

    (closing,) = conversation.say(*events, piece=piece)

    assert isinstance(closing, Closing)
    assert closing.code == 1009
    (answer,) = conversation.answers
    assert isinstance(answer, CloseConnection)
    assert answer.code == 1009


def test_many_messages_are_no_great_message() -> None:
    heard = Conversation().say(*(frames(FRAME_BYTES, FRAME_BYTES) * 8))

    assert len(heard) == 8


def test_a_binary_frame_closes_with_1003() -> None:
    conversation = Conversation()

    (closing,) = conversation.say(BytesMessage(data=b"1"))

    assert isinstance(closing, Closing)
    assert closing.code == 1003


def test_a_ping_is_answered_in_the_middle_of_a_message() -> None:
    conversation = Conversation()

    heard = conversation.say(
        TextMessage(data="a", message_finished=False), Ping(b"still there?"), TextMessage(data="b")
    )

    assert heard == [Message("ab")]
    assert conversation.answers == [Pong(b"still there?")]


def test_a_close_frame_is_answered_with_its_code() -> None:
    conversation = Conversation()

    heard = conversation.say(CloseConnection(code=4000, reason="enough"))

    assert heard == [Closing(4000, "enough")]
    assert conversation.answers == [CloseConnection(code=4000, reason="enough")]
    assert not conversation.server.is_open
    assert list(conversation.server.receive(b"more")) == []


def test_a_close_frame_without_a_code_has_awss_code_and_reason() -> None:
    server = Conversation().server

    parts = list(server.receive(EMPTY_CLOSE_FRAME))

    assert parts == [
        Output(b"\x88\x00"),
        Closing(1005, "Client-side close frame status not set"),
    ]


def test_frames_that_break_the_protocol_close_the_connection() -> None:
    server = Conversation().server

    parts = list(server.receive(b"\xff\xff" + os.urandom(20)))

    assert [part.code for part in parts if isinstance(part, Closing)] == [1002]
    assert not server.is_open


def test_what_was_sent_before_the_client_read_the_close_frame_is_dropped() -> None:
    conversation = Conversation()
    conversation.server.close(1000)

    assert conversation.say(TextMessage(data="too late"), Ping(), BytesMessage(data=b"1")) == []
    assert conversation.server.close(1000) == b""


@pytest.mark.parametrize("character", ["x", "é", "€", "😀"])
def test_a_great_message_leaves_in_frames_within_the_limit(character: str) -> None:
    text = character * (MESSAGE_BYTES // len(character.encode()))
    conversation = Conversation()

    received = conversation.deliver(conversation.server.text(text))

    parts = [event for event in received if isinstance(event, TextMessage)]
    assert "".join(part.data for part in parts) == text
    assert all(len(part.data.encode()) <= FRAME_BYTES for part in parts)
    assert [part.message_finished for part in parts].index(True) == len(parts) - 1


def test_an_empty_message_leaves_too() -> None:
    conversation = Conversation()

    (event,) = conversation.deliver(conversation.server.text(""))

    assert event == TextMessage(data="")


def test_a_subprotocol_that_the_client_offers_is_chosen() -> None:
    accepted = Conversation("chat", "graphql", chosen="graphql").accepted

    assert isinstance(accepted, AcceptConnection)
    assert accepted.subprotocol == "graphql"


def test_a_subprotocol_that_the_client_does_not_know_is_not() -> None:
    accepted = Conversation("chat", chosen="other").accepted

    assert isinstance(accepted, AcceptConnection)
    assert accepted.subprotocol is None


@pytest.mark.parametrize("missing", [b"Upgrade", b"Sec-WebSocket-Key", b"Sec-WebSocket-Version"])
def test_a_handshake_must_be_complete(missing: bytes) -> None:
    with pytest.raises(BadHandshake):
        WebSocketProtocol("/live", [header for header in HEADERS if header[0] != missing])


def test_a_handshake_must_be_http() -> None:
    with pytest.raises(BadHandshake):
        WebSocketProtocol("/live", [*HEADERS, (b"Host", b"another")])
