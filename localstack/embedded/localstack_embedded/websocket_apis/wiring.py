"""Makes the data plane's one gateway."""

from functools import cache

from localstack_embedded.websocket_apis.addresses import Address
from localstack_embedded.websocket_apis.functions import LambdaFunctions
from localstack_embedded.websocket_apis.gateway import Gateway, Stage


@cache
def gateway() -> Gateway:
    """Returns the gateway of this engine."""
    return Gateway(_find, LambdaFunctions())


def _find(address: Address) -> Stage | None:
    # With moto, which the engine's start need not wait for.
    from localstack_embedded.websocket_apis.deployments import DEPLOYMENTS  # noqa: PLC0415

    return DEPLOYMENTS.find(address)
