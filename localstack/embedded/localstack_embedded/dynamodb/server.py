"""A DynamoDB server: MiniStack's DynamoDB and DynamoDB Streams, durable, and nothing else.

    python -m localstack_embedded.dynamodb.server --port PORT --data DIRECTORY

MiniStack's own launcher also starts schedulers, a broker and a container reaper; this one serves
two request handlers only. They run to completion on one thread, which makes their conditions and
transactions atomic.

Runs in MiniStack's environment, without LocalStack.
"""

import argparse
import asyncio
import functools
import logging
import signal
import uuid
from pathlib import Path

from ministack.core import responses, router
from ministack.services import dynamodb, dynamodb_streams

from localstack_embedded.dynamodb.command import READINESS_PATH
from localstack_embedded.dynamodb.consumers import Consumers
from localstack_embedded.dynamodb.http import Request, Response, serve
from localstack_embedded.dynamodb.storage import Storage

log = logging.getLogger(__name__)

_EXPRESSIONS = 1024


class Server:
    """Answers requests from MiniStack's memory, and stores what they change."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._consumers = Consumers(storage)

    async def answer(self, request: Request) -> Response:
        """Answers one AWS request, after its changes are stored."""
        if request.method == "GET" and request.path == READINESS_PATH:
            return 200, {"content-type": "text/plain"}, b"ready\n"
        service, _, action = request.headers.get("x-amz-target", "").rpartition(".")
        responses.set_request_account_id(router.extract_access_key_id(request.headers))
        responses.set_request_region(router.extract_region(request.headers))
        handler = dynamodb
        if service.startswith("DynamoDBStreams"):
            handler = dynamodb_streams
            await self._consumers.before(action, request)
        try:
            status, headers, body = await handler.handle_request(
                request.method, request.path, request.headers, request.body, {}
            )
        except Exception:
            # The connection's other requests go on; AWS's clients retry a status of 500.
            log.exception("%s failed", action)
            status, headers, body = responses.error_response_json(
                "InternalServerError", action, 500
            )
        finally:
            if self._storage.commit(action):
                self._consumers.wake()
        if handler is dynamodb_streams and status == 200:
            body = self._consumers.after(action, request, body)
        headers["x-amzn-requestid"] = str(uuid.uuid4())
        return status, headers, body


def _remember_expressions() -> None:
    """Makes MiniStack parse a condition or update expression once, not for every item.

    Otherwise a query that finds none of ten thousand items takes most of a second, in which nobody
    else is served.
    """
    for name in ("_tokenize", "_condition_syntax_error"):
        setattr(dynamodb, name, functools.lru_cache(_EXPRESSIONS)(getattr(dynamodb, name)))


async def run(port: int, directory: Path) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _remember_expressions()
    storage = Storage(directory / "tables.sqlite3")
    storage.load()
    listener = await serve(Server(storage).answer, port)
    log.info("serving DynamoDB on http://127.0.0.1:%d, tables in %s", port, directory)
    await stop.wait()
    listener.close()
    storage.close()
    log.info("stopped")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(run(arguments.port, arguments.data))


if __name__ == "__main__":
    main()
