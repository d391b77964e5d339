"""The record of what operators did: who, what, why, when, and the result.

A row of the operations table is written before an operation's effect and completed after it. So an
interrupted operation can be recognised: it has begun and not ended.

    pk OPERATION   sk <ISO time>#<id>   action, target, operator, reason, status (BEGUN, DONE or
                                        FAILED), details, begun_at, ended_at
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

from sagashop_ops.aws import Deployment, Row, rows, table_of
from sagashop_ops.sessions import signed_in

PARTITION = "OPERATION"
BEGUN, DONE, FAILED = "BEGUN", "DONE", "FAILED"


@dataclass(frozen=True)
class Operation:
    """One operation as recorded; `ended_at` is None while it is under way or was interrupted."""

    action: str
    target: str
    operator: str
    reason: str
    status: str
    begun_at: str
    ended_at: str | None
    details: Mapping[str, Any]

    @classmethod
    def of(cls, row: Row) -> Self:
        """Reads a row of the operations table."""
        known: dict[str, Any] = {field.name: row.get(field.name) for field in fields(cls)}
        return cls(**known | {"details": json.loads(row["details"])})

    def __str__(self) -> str:
        """One line; long details are cut, the table has all of them."""
        why = f'  "{self.reason}"' if self.reason else ""
        what = " ".join(
            f"{name}={value if isinstance(value, str) else json.dumps(value)}"
            for name, value in self.details.items()
        )
        what = f"{what[:160]}…" if len(what) > 160 else what
        who = f"{self.begun_at}  {self.operator}"
        return f"{who}  {self.action} {self.target}  {self.status}{why}  {what}".rstrip()


@dataclass(frozen=True)
class Journal:
    """The operations table, as one operator's account writes to it."""

    table: Any
    operator: str

    @classmethod
    def of(cls, deployment: Deployment) -> Self:
        """The journal of a store, for whoever is signed in; raises NotSignedIn."""
        operator = signed_in(deployment.stack).account_id
        return cls(table_of(deployment.stack, "operations"), operator)

    @contextmanager
    def record(
        self, action: str, target: str, reason: str, **details: Any
    ) -> Iterator[dict[str, Any]]:
        """Records what the body does: first that it begins, then how it ended.

        Yields the details, to which the body adds its results; the values must be JSON. Where the
        record can't be written, nothing is done. An exception of the body is recorded and
        propagates.
        """
        begun_at = _now()
        sort_key = f"{begun_at}#{secrets.token_hex(4)}"
        self.table.put_item(
            Item={
                "pk": PARTITION,
                "sk": sort_key,
                "action": action,
                "target": target,
                "operator": self.operator,
                "reason": reason,
                "begun_at": begun_at,
                "status": BEGUN,
                "details": json.dumps(details),
            },
        )
        status = FAILED
        try:
            yield details
            status = DONE
        except BaseException as exc:
            details["error"] = str(exc) or type(exc).__name__
            raise
        finally:
            self.table.update_item(
                Key={"pk": PARTITION, "sk": sort_key},
                UpdateExpression="SET #status = :status, ended_at = :at, details = :details",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":status": status,
                    ":at": _now(),
                    ":details": json.dumps(details),
                },
            )


def read_operations(table: Any, limit: int) -> list[Operation]:
    """Returns the last operations in the operations table, oldest first."""
    found = rows(
        table,
        "query",
        KeyConditionExpression="pk = :operations",
        ExpressionAttributeValues={":operations": PARTITION},
        ScanIndexForward=False,
        ConsistentRead=True,
        PaginationConfig={"MaxItems": limit},
    )
    return [Operation.of(row) for row in found][::-1]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
