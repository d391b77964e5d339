"""Loads services in the background as soon as the engine is ready.

LocalStack loads a service at its first request, half a second for the bigger ones, or all of them
before it is ready. In between lies the time in which whoever started it prepares what comes next.
"""

import os
import threading

from localstack.runtime import hooks
from localstack.services.plugins import SERVICE_PLUGINS


@hooks.on_infra_ready()
def preload_services() -> None:
    """Loads the services that PRELOAD_SERVICES names, separated by commas, one after the other."""

    def load() -> None:
        for service in filter(None, os.environ.get("PRELOAD_SERVICES", "").split(",")):
            SERVICE_PLUGINS.require(service)

    threading.Thread(target=load, name="preload-services", daemon=True).start()
