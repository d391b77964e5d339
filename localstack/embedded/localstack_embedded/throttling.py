"""How many requests the methods of an API Gateway stage take: token buckets, one for each method.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

# An account's, in force where a stage gives none.
DEFAULT_RATE = 10_000.0
DEFAULT_BURST = 5_000


@dataclass(frozen=True, slots=True)
class Limit:
    """Requests per second, and how many may come at once."""

    rate: float
    burst: int


class TokenBucket:
    """Holds up to `burst` tokens, one for each request, and gains `rate` of them in a second."""

    def __init__(self, limit: Limit, now: float) -> None:
        self.limit = limit
        self._tokens = float(limit.burst)
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Takes a token; says whether there was one."""
        gained = (now - self._filled_at) * self.limit.rate
        self._tokens = min(self.limit.burst, self._tokens + gained)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Throttle:
    """The buckets of all methods; safe to use from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[Hashable, TokenBucket] = {}

    def admits(self, method: Hashable, limit: Limit) -> bool:
        """Says whether a request is within the limit. A new limit begins with a full bucket."""
        with self._lock:
            now = self._clock()
            bucket = self._buckets.get(method)
            if bucket is None or bucket.limit != limit:
                bucket = self._buckets[method] = TokenBucket(limit, now)
            return bucket.take(now)


def setting_key(resource_path: str, http_method: str) -> str:
    """Returns the key of a method's settings in a stage.

    A template may encode the path, as CloudFormation asks for, or not.

    >>> setting_key("/orders/{order_id}", "GET"), setting_key("/~1orders~1{order_id}", "GET")
    ('~1orders~1{order_id}/GET', '~1orders~1{order_id}/GET')
    >>> setting_key("/*", "*"), setting_key("*", "*"), setting_key("/", "GET")
    ('*/*', '*/*', '~1/GET')
    """
    if resource_path in {"*", "/*"}:
        path = "*"
    elif "~1" in resource_path:
        path = resource_path.removeprefix("/")
    else:
        path = resource_path.replace("/", "~1")
    return f"{path}/{http_method}"


def limit_of(
    settings: Mapping[str, Mapping[str, Any]], resource_path: str, http_method: str
) -> Limit | None:
    """Returns the limit of a method in a stage's settings: its own, or the one of all methods.

    None where the stage has neither.
    """
    for path, method in (
        (resource_path, http_method),
        (resource_path, "*"),
        ("*", http_method),
        ("*", "*"),
    ):
        found = settings.get(setting_key(path, method))
        if found is not None:
            return Limit(
                rate=float(found.get("throttlingRateLimit", DEFAULT_RATE)),
                burst=int(found.get("throttlingBurstLimit", DEFAULT_BURST)),
            )
    return None
