"""How many requests a method of an API takes, and whose limit it has."""

import pytest

from localstack_embedded.throttling import Limit, Throttle, limit_of


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def admitted(throttle: Throttle, requests: int, limit: Limit, method: str = "GET /orders") -> int:
    return sum(throttle.admits(method, limit) for _ in range(requests))


def test_as_many_requests_as_the_burst_come_at_once(throttle: Throttle) -> None:
    assert admitted(throttle, 100, Limit(rate=10, burst=20)) == 20


def test_after_that_they_come_at_the_rate(throttle: Throttle, clock: Clock) -> None:
    limit = Limit(rate=10, burst=20)
    admitted(throttle, 100, limit)

    clock.now += 0.5

    assert admitted(throttle, 100, limit) == 5


def test_a_rest_saves_up_no_more_than_the_burst(throttle: Throttle, clock: Clock) -> None:
    limit = Limit(rate=10, burst=20)
    admitted(throttle, 100, limit)

    clock.now += 3600

    assert admitted(throttle, 100, limit) == 20


def test_a_rate_below_one_a_second_holds_too(throttle: Throttle, clock: Clock) -> None:
    limit = Limit(rate=0.1, burst=1)
    admissions = []
    for _ in range(30):
        admissions.append(throttle.admits("GET /orders", limit))
        clock.now += 1

    assert sum(admissions) == 3


def test_nothing_comes_where_the_burst_is_zero(throttle: Throttle) -> None:
    assert admitted(throttle, 10, Limit(rate=10, burst=0)) == 0


def test_methods_have_buckets_of_their_own(throttle: Throttle) -> None:
    limit = Limit(rate=1, burst=1)

    assert admitted(throttle, 5, limit, "GET /orders") == 1
    assert admitted(throttle, 5, limit, "POST /orders") == 1


def test_a_new_limit_holds_at_once(throttle: Throttle) -> None:
    admitted(throttle, 5, Limit(rate=1, burst=1))

    assert admitted(throttle, 5, Limit(rate=1, burst=3)) == 3


@pytest.mark.parametrize(
    ("path", "method", "rate"),
    [
        ("/orders/{order_id}", "GET", 1),
        ("/orders/{order_id}", "DELETE", 2),
        ("/products", "POST", 3),
        ("/products", "GET", 4),
    ],
)
def test_the_closest_setting_counts(path: str, method: str, rate: float) -> None:
    settings = {
        "~1orders~1{order_id}/GET": {"throttlingRateLimit": 1.0, "throttlingBurstLimit": 5},
        "~1orders~1{order_id}/*": {"throttlingRateLimit": 2.0, "throttlingBurstLimit": 5},
        "*/POST": {"throttlingRateLimit": 3.0, "throttlingBurstLimit": 5},
        "*/*": {"throttlingRateLimit": 4.0, "throttlingBurstLimit": 5},
    }

    assert limit_of(settings, path, method) == Limit(rate, 5)


def test_a_stage_without_settings_has_no_limit() -> None:
    assert limit_of({}, "/orders", "GET") is None


def test_what_a_setting_leaves_out_is_the_accounts() -> None:
    assert limit_of({"*/*": {"throttlingRateLimit": 1}}, "/", "GET") == Limit(1, 5000)
