"""Lets event source mappings wait for a stream's records, and resume where they stopped.

LocalStack forgets its event source mappings when it stops, and a new one starts from the oldest
record of the last 24 hours: every event would be published again at each start. It also asks for
records once a second, or less often on a quiet stream. Callers that name themselves in a header
get both improvements; every other caller gets the plain API.

A mapping asks for more records after it has processed what it got. One with a batching window asks
ahead while it collects a batch, and loses that batch if it is killed.
"""

import asyncio
import json
from typing import Any

from ministack.services import dynamodb, dynamodb_streams

from localstack_embedded.dynamodb.headers import CONSUMER_HEADER, WAIT_HEADER
from localstack_embedded.dynamodb.http import Request
from localstack_embedded.dynamodb.storage import Storage


class Consumers:
    """The readers of streams that name themselves, and the position of each."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._growth = asyncio.Event()

    def wake(self) -> None:
        """Wakes the requests that wait, because a stream has new records."""
        self._growth.set()
        self._growth = asyncio.Event()

    async def before(self, action: str, request: Request) -> None:
        """Notes a reader's progress and waits for records, before MiniStack answers a request."""
        if action != "GetRecords" or CONSUMER_HEADER not in request.headers:
            return
        iterator = _decode(json.loads(request.body).get("ShardIterator", ""))
        if iterator is None:
            return
        self._storage.set_checkpoint(
            iterator["arn"], request.headers[CONSUMER_HEADER], iterator["p"]
        )
        wait = float(request.headers.get(WAIT_HEADER, "0"))
        try:
            async with asyncio.timeout(wait):
                while dynamodb.stream_end_position(iterator["t"]) <= iterator["p"]:
                    await self._growth.wait()
        except TimeoutError:
            pass  # The answer will have no records.

    def after(self, action: str, request: Request, body: bytes) -> bytes:
        """Returns MiniStack's answer, with an iterator that resumes where the reader stopped."""
        if action != "GetShardIterator" or CONSUMER_HEADER not in request.headers:
            return body
        iterator = _decode(json.loads(body)["ShardIterator"])
        if iterator is None or json.loads(request.body)["ShardIteratorType"] != "TRIM_HORIZON":
            return body
        done = self._storage.checkpoint(iterator["arn"], request.headers[CONSUMER_HEADER])
        token = dynamodb_streams._encode_iterator(
            iterator["t"],
            iterator["s"],
            max(iterator["p"], done),
            account_id=iterator["a"],
            region=iterator["r"],
            stream_arn=iterator["arn"],
        )
        return json.dumps({"ShardIterator": token}).encode()


def _decode(token: str) -> dict[str, Any] | None:
    """Returns the content of MiniStack's opaque iterator, or None if it doesn't name its stream.

    It holds the table `t`, shard `s`, position `p`, account `a`, region `r` and the stream's `arn`.
    """
    iterator: dict[str, Any] | None = dynamodb_streams._decode_iterator(token)
    return iterator if iterator and "arn" in iterator else None
