"""What LocalStack runs when it starts, and when it is ready."""

import os
import threading

from localstack.aws.handlers import service as handlers
from localstack.aws.spec import load_service
from localstack.runtime import hooks
from localstack.services.plugins import SERVICE_PLUGINS


@hooks.on_infra_start()
def apply_patches() -> None:
    """Applies the patches of what LocalStack loads in any case; the others come with a service."""
    from localstack_embedded.patches import (  # noqa: F401, PLC0415
        api_gateway,
        clients,
        cloudformation,
        event_sources,
        throttling,
    )


@hooks.on_infra_ready()
def preload_services() -> None:
    """Loads the services that PRELOAD_SERVICES names, separated by commas, and their parsers.

    LocalStack loads a service at its first request, half a second for the bigger ones, or all of
    them before it is ready. In between, whoever started it prepares what comes next.
    """

    def load() -> None:
        for service in filter(None, os.environ.get("PRELOAD_SERVICES", "").split(",")):
            SERVICE_PLUGINS.require(service)
            handlers.create_parser(load_service(service))

    threading.Thread(target=load, name="preload-services", daemon=True).start()
