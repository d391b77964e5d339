"""What users are told when something prevents the local cloud from starting."""

import os
import socket
from pathlib import Path

import pytest

from sagashop_local.errors import DeployFailed, FailedResource, PortTaken, ServerFailed
from sagashop_local.ports import ensure_free

LOOPBACK = "127.0.0.1"


def test_a_taken_port_is_told_with_its_holder() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(PortTaken) as caught:
            ensure_free(port, "LocalStack")

    text = str(caught.value)
    assert f"Port {port}, needed for LocalStack, is taken by process {os.getpid()}" in text
    assert "PORT=4666 make up" in text


def test_a_port_that_somebody_has_just_left_is_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)), server.accept()[0]:
            pass

    ensure_free(port, "LocalStack")


def test_a_taken_port_without_visible_holder_is_told_as_such() -> None:
    assert "taken by a program that this user may not see" in str(PortTaken(4566, "x", None))


def test_a_failed_deployment_names_the_resource_and_its_reason() -> None:
    failure = DeployFailed(
        "ROLLBACK_COMPLETE",
        [FailedResource("OrderSaga", "AWS::StepFunctions::StateMachine", "no StartAt")],
    )

    assert str(failure).splitlines() == [
        "The stack could not be deployed: ROLLBACK_COMPLETE",
        "  OrderSaga (AWS::StepFunctions::StateMachine): no StartAt",
    ]


def test_a_dead_server_is_told_with_the_end_of_its_log() -> None:
    failure = ServerFailed("LocalStack", "died", Path("engine.log"), "ImportError: x")

    assert str(failure) == "LocalStack died. The end of engine.log:\nImportError: x"
