"""Logs and metrics of calls, shipped in batches.

LocalStack makes a CloudWatch Logs request and a CloudWatch request for every call: 4 ms and 6 ms of
CPU in the engine, which has one core to use, against 3 ms for the call itself. Shipped twice a
second, they cost next to nothing while the store is busy. Log events keep the time of their call.
"""

import contextlib
import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, Queue, SimpleQueue
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from localstack.aws.connect import connect_to
from localstack.runtime.events import infra_stopping
from localstack.services.lambda_.invocation import version_manager
from localstack.services.lambda_.invocation.logs import QUEUE_SHUTDOWN, LogHandler, LogItem
from localstack.services.lambda_.invocation.metrics import (
    record_cw_metric_error,
    record_cw_metric_invocation,
)
from localstack.utils.aws.client_types import ServicePrincipal
from localstack.utils.bootstrap import is_api_enabled

from localstack_embedded.patches import patch

LOG = logging.getLogger(__name__)

BATCH_SECONDS = 0.5
# CloudWatch Logs takes at most 10,000 events a request.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_MAX_EVENTS = 10_000


@dataclass(frozen=True)
class _TimedLogItem(LogItem):
    """One call's log, with the time of its end in milliseconds since 1970."""

    ended_at_ms: int


@patch(LogHandler.add_logs, source="7efd2dfe", test="test_a_log_event_has_the_time_of_its_call")
def _add_logs_with_time(
    original: Callable[[LogHandler, LogItem], None], self: LogHandler, item: LogItem
) -> None:
    """Notes when the call ended; LocalStack takes the time at which it ships the log."""
    now_ms = int(time.time() * 1000)
    original(self, _TimedLogItem(item.log_group, item.log_stream, item.logs, now_ms))


@patch(LogHandler.run_log_loop, source="905b3d11", test="test_logs_are_shipped_in_batches")
def _run_log_loop_in_batches(_: object, self: LogHandler, *__: object) -> None:
    """Ships a function version's logs twice a second until its handler is stopped."""
    client = connect_to.with_assumed_role(
        region_name=self.region,
        role_arn=self.role_arn,
        service_principal=ServicePrincipal(ServicePrincipal.lambda_),
    ).logs
    is_stopping = False
    while not is_stopping:
        items = _next_batch(self.log_queue, self._shutdown_event.wait)
        is_stopping = QUEUE_SHUTDOWN in items
        try:
            _put_logs(client, [item for item in items if isinstance(item, _TimedLogItem)])
        except (ClientError, BotoCoreError) as exc:
            # The calls themselves have succeeded; the next batch may get through.
            LOG.warning("Could not write %d calls' logs: %s", len(items), exc)


def _put_logs(client: Any, items: Iterable[_TimedLogItem]) -> None:
    streams: defaultdict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for item in items:
        # CloudWatch refuses events without text.
        lines = (line for line in item.logs.split("\n") if line)
        streams[item.log_group, item.log_stream].extend(
            {"timestamp": item.ended_at_ms, "message": f"{line}\n"} for line in lines
        )
    for (group, stream), events in streams.items():
        for start in range(0, len(events), _MAX_EVENTS):
            batch = {
                "logGroupName": group,
                "logStreamName": stream,
                "logEvents": events[start : start + _MAX_EVENTS],
            }
            try:
                client.put_log_events(**batch)
            except client.exceptions.ResourceNotFoundException:
                with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
                    client.create_log_group(logGroupName=group)
                with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
                    client.create_log_stream(logGroupName=group, logStreamName=stream)
                client.put_log_events(**batch)


class _Metric(NamedTuple):
    account_id: str
    region_name: str
    function_name: str
    name: str


_metrics: SimpleQueue[_Metric] = SimpleQueue()


@patch(
    record_cw_metric_invocation,
    source="716fd65b",
    test="test_metrics_are_shipped_in_batches",
    importers=(version_manager,),
)
def _count_invocation(_: object, function_name: str, account_id: str, region_name: str) -> None:
    """Counts a call, to be published together with others."""
    _metrics.put(_Metric(account_id, region_name, function_name, "Invocations"))


@patch(
    record_cw_metric_error,
    source="8def1a39",
    test="test_metrics_are_shipped_in_batches",
    importers=(version_manager,),
)
def _count_error(_: object, function_name: str, account_id: str, region_name: str) -> None:
    """Counts a failed call, which is a call as well."""
    for name in ("Invocations", "Errors"):
        _metrics.put(_Metric(account_id, region_name, function_name, name))


def start_publishing_metrics() -> None:
    """Starts the thread that publishes counted calls twice a second."""
    threading.Thread(target=_publish_metrics_in_batches, name="lambda-metrics", daemon=True).start()


def _publish_metrics_in_batches() -> None:
    while True:
        counts = Counter(_next_batch(_metrics, time.sleep))
        # A first request would start CloudWatch, whose threads would keep a stopping engine alive.
        if is_api_enabled("cloudwatch") and not infra_stopping.is_set():
            try:
                _publish(counts)
            except (ClientError, BotoCoreError) as exc:
                LOG.warning("Could not publish the functions' metrics: %s", exc)


def _publish(counts: Counter[_Metric]) -> None:
    now = datetime.now(UTC)
    owners: defaultdict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for metric, count in counts.items():
        owners[metric.account_id, metric.region_name].append(
            {
                "MetricName": metric.name,
                "Dimensions": [{"Name": "FunctionName", "Value": metric.function_name}],
                "Timestamp": now,
                "Values": [1.0],
                "Counts": [float(count)],
            }
        )
    for (account_id, region_name), data in owners.items():
        client = connect_to(aws_access_key_id=account_id, region_name=region_name).cloudwatch
        client.put_metric_data(Namespace="AWS/Lambda", MetricData=data)


def _next_batch[T](queue: Queue[T] | SimpleQueue[T], pause: Callable[[float], object]) -> list[T]:
    """Waits for an item, and returns it with those that arrive during the pause after it."""
    items = [queue.get()]
    pause(BATCH_SECONDS)
    with contextlib.suppress(Empty):
        while True:
            items.append(queue.get_nowait())
    return items
