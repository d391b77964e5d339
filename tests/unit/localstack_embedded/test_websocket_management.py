"""What functions do with the clients of a WebSocket API: send, look, disconnect."""

import json
from http import HTTPStatus

import pytest

from localstack_embedded.websocket_apis.addresses import Address, ConnectionAddress
from localstack_embedded.websocket_apis.connection import BUFFER_BYTES
from localstack_embedded.websocket_apis.gateway import Gateway, Stage
from localstack_embedded.websocket_apis.management import Answer, manage
from localstack_embedded.websocket_apis.protocol import MESSAGE_BYTES
from localstack_embedded.websocket_apis.routing import RouteTable
from unit.localstack_embedded.websocket_fakes import FakeFunctions, FakeHandshake, FakeLoop, Peer

STAGE = Address("a1b2", "live")


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(lambda _: Stage(RouteTable((), {}), "a1b2.example"), FakeFunctions())


@pytest.fixture
def peer(gateway: Gateway) -> Peer:
    handshake = FakeHandshake(FakeLoop(), gateway)
    gateway.connect(handshake)
    assert handshake.peer is not None
    return handshake.peer


def address_of(peer: Peer, stage: Address | None = STAGE) -> ConnectionAddress:
    return ConnectionAddress(peer.connection.client.connection_id, stage)


@pytest.mark.parametrize("stage", [STAGE, None])
def test_a_message_is_sent(gateway: Gateway, peer: Peer, stage: Address | None) -> None:
    answer = manage(gateway, "POST", address_of(peer, stage), "é".encode())

    assert answer == Answer(HTTPStatus.OK)
    assert peer.texts == ["é"]


def test_a_message_of_the_greatest_size_is_sent(gateway: Gateway, peer: Peer) -> None:
    manage(gateway, "POST", address_of(peer), b"x" * MESSAGE_BYTES)

    assert len("".join(peer.texts)) == MESSAGE_BYTES


def test_a_greater_one_is_not(gateway: Gateway, peer: Peer) -> None:
    answer = manage(gateway, "POST", address_of(peer), b"x" * (MESSAGE_BYTES + 1))

    assert (answer.status, answer.error) == (413, "PayloadTooLargeException")
    assert not peer.texts


def test_a_client_that_reads_slowly_is_not_sent_more(gateway: Gateway, peer: Peer) -> None:
    peer.connection.paused()
    message = b"x" * MESSAGE_BYTES

    answers = [
        manage(gateway, "POST", address_of(peer), message)
        for _ in range(BUFFER_BYTES // MESSAGE_BYTES)
    ]

    assert answers[-1].status == 429
    assert answers[-1].error == "LimitExceededException"
    assert answers[0].status == 200


def test_a_connection_is_described(gateway: Gateway, peer: Peer) -> None:
    answer = manage(gateway, "GET", address_of(peer), b"")

    described = json.loads(answer.body)
    assert answer.status == 200
    assert described["identity"] == {"sourceIp": "192.0.2.1", "userAgent": "tests"}
    assert described["connectedAt"] == described["lastActiveAt"]
    assert described["connectedAt"].endswith("Z")


def test_a_client_is_disconnected(gateway: Gateway, peer: Peer) -> None:
    answer = manage(gateway, "DELETE", address_of(peer), b"")

    assert answer == Answer(HTTPStatus.NO_CONTENT)
    assert peer.close_frame is not None
    assert peer.close_frame.code == 1000


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("stage", [Address("other", "live"), Address("a1b2", "other")])
def test_another_stage_does_not_reach_it(
    gateway: Gateway, peer: Peer, method: str, stage: Address
) -> None:
    answer = manage(gateway, method, address_of(peer, stage), b"")

    assert (answer.status, answer.error) == (410, "GoneException")
    assert not peer.events


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_client_that_has_left_is_gone(gateway: Gateway, peer: Peer, method: str) -> None:
    peer.connection.lost()

    answer = manage(gateway, method, address_of(peer), b"")

    assert (answer.status, answer.error) == (410, "GoneException")


def test_there_is_nothing_else_to_do(gateway: Gateway, peer: Peer) -> None:
    assert manage(gateway, "PUT", address_of(peer), b"").status == 403
