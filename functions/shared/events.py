"""Domain events: what happened, in the past tense, and the envelope in which others read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from shared import clock, ids

SCHEMA_VERSION = 1
_SUBJECT_IDS = ("order_id", "account_id")


@dataclass(frozen=True, slots=True)
class Origin:
    """Why something happens: carried from the first request to every event that follows from it.

    `correlation_id` is the same for everything that one HTTP request set off. `causation_id` is the
    id of the request or invocation that did this very thing. `trace_id` is X-Ray's, or of its form:
    the first request's too, where X-Ray itself would have lost it between the hops.
    """

    correlation_id: str
    causation_id: str | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Something that happened to a subject: an order, unless `subject` names another thing.

    Its id follows from the subject and the type. Of most types a subject has one event at most;
    `occurrence` counts those that it has more of. `sequence` is the subject's version that this
    change made, or, in another service, on which it acted: see docs/events.md.
    """

    service: str
    type: str
    subject_id: str
    occurred_at: datetime
    origin: Origin
    data: Mapping[str, Any]
    occurrence: int = 1
    sequence: int | None = None
    subject: str = "order"

    @property
    def event_id(self) -> str:
        """The id by which consumers drop a repeat."""
        return ids.event_id(self.subject_id, self.type, self.occurrence)

    @property
    def source(self) -> str:
        """EventBridge's `source`, such as `sagashop.order`."""
        return f"sagashop.{self.service}"

    def envelope(self) -> dict[str, Any]:
        """Returns EventBridge's `detail`: `{"metadata": {…}, "data": {"order_id", …}}`.

        The data of an event that is not an order's has its subject's id instead. The metadata has
        no `sequence` where it is not known.
        """
        metadata = {
            "event_id": self.event_id,
            "schema_version": SCHEMA_VERSION,
            "occurred_at": clock.to_iso(self.occurred_at),
            "correlation_id": self.origin.correlation_id,
            "causation_id": self.origin.causation_id,
            "trace_id": self.origin.trace_id,
        }
        if self.sequence is not None:
            metadata["sequence"] = self.sequence
        return {"metadata": metadata, "data": {f"{self.subject}_id": self.subject_id, **self.data}}

    def published(self) -> "PublishedEvent":
        """Returns the event as it goes over the bus."""
        return PublishedEvent(self.source, self.type, self.envelope())


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event as it went over the bus; `detail` is the envelope of `DomainEvent`."""

    source: str
    type: str
    detail: Mapping[str, Mapping[str, Any]]

    @classmethod
    def from_eventbridge(cls, event: Mapping[str, Any]) -> Self:
        """Reads an event in EventBridge's own envelope; raises KeyError where it isn't one."""
        return cls(event["source"], event["detail-type"], event["detail"])

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self.detail["metadata"]

    @property
    def data(self) -> Mapping[str, Any]:
        return self.detail["data"]

    @property
    def sequence(self) -> int | None:
        """Where it belongs among its order's events; None of an event from before there was one."""
        sequence: int | None = self.metadata.get("sequence")
        return sequence

    @property
    def ids(self) -> dict[str, Any]:
        """The fields of a log line about the event: what it is, and what it belongs to."""
        subject = {name: self.data[name] for name in _SUBJECT_IDS if name in self.data}
        return {
            **subject,
            "detail_type": self.type,
            "source": self.source,
            "event_id": self.metadata["event_id"],
            "correlation_id": self.metadata["correlation_id"],
            "trace_id": self.metadata["trace_id"],
        }
