"""Keeps MiniStack's tables on disk while it works, so that a killed server loses nothing.

MiniStack holds its tables in memory and writes all of them when it is stopped gracefully. Here
every request's changes go to SQLite in one transaction before the request is answered: the cost of
an item doesn't grow with the table, and a transaction of DynamoDB is one on disk. The write-ahead
log is not flushed to the device at every commit: a killed process loses nothing; a power failure
may lose the last moments, but never the file.
"""

import functools
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import persistence
from ministack.services import dynamodb

# Requests that change items only, or nothing. After any other, the whole catalogue is written.
_ITEM_ACTIONS = frozenset(
    {
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "TransactWriteItems",
        "ExecuteStatement",
        "BatchExecuteStatement",
        "ExecuteTransaction",
    }
)
_READ_PREFIXES = ("Get", "BatchGet", "TransactGet", "Query", "Scan", "Search", "Describe", "List")

# What MiniStack stores besides items and stream records.
_CATALOGUE = (
    "tags",
    "ttl_settings",
    "pitr_settings",
    "kinesis_destinations",
    "contributor_insights",
    "backups",
    "resource_policies",
    "exports",
    "imports",
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS catalogue (id INTEGER PRIMARY KEY CHECK (id = 1), content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS item (
    table_arn TEXT, pk TEXT, sk TEXT, content TEXT NOT NULL, PRIMARY KEY (table_arn, pk, sk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stream (stream_arn TEXT PRIMARY KEY, start INTEGER, next INTEGER);
CREATE TABLE IF NOT EXISTS record (
    stream_arn TEXT, position INTEGER, content TEXT NOT NULL, PRIMARY KEY (stream_arn, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoint (
    stream_arn TEXT, consumer TEXT, position INTEGER NOT NULL, PRIMARY KEY (stream_arn, consumer)
);
"""

_FORGET = (
    "DELETE FROM item WHERE table_arn NOT IN (SELECT value FROM json_each(:tables))",
    "DELETE FROM stream WHERE stream_arn NOT IN (SELECT value FROM json_each(:streams))",
    "DELETE FROM record WHERE stream_arn NOT IN (SELECT value FROM json_each(:streams))",
    "DELETE FROM checkpoint WHERE stream_arn NOT IN (SELECT value FROM json_each(:streams))",
)

_Key = tuple[str, str, str]
"""An account, a region and a table's name: how MiniStack addresses a table."""


class Storage:
    """The durable copy of MiniStack's state. Make one per process, before the first request."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path)
        self._database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _SCHEMA
        )
        # Used as ordered sets. MiniStack's time-to-live thread adds to the first one too; single
        # dict operations are atomic.
        self._changed_items: dict[tuple[str, str, str], None] = {}
        self._changed_streams: dict[_Key, None] = {}
        self._replaced_tables: dict[str, None] = {}
        # Per stream: the positions up to which records were dropped and written.
        self._written: dict[str, tuple[int, int]] = {}

    def load(self) -> None:
        """Loads what was stored into MiniStack, then watches MiniStack for changes."""
        row = self._database.execute("SELECT content FROM catalogue").fetchone()
        if row:
            content = json.loads(row[0], object_hook=persistence._json_object_hook)
            for _, table in content["tables"].all_items():
                table["items"] = self._load_items(table["TableArn"])
            dynamodb.load_persisted_state(content)
            for key, table in dynamodb._tables.all_items():
                dynamodb._items_replaced(table)
                self._load_stream(key, table)
        self._watch()

    def commit(self, action: str) -> bool:
        """Writes what the request `action` changed, in one transaction.

        Returns whether a stream has new records.
        """
        streams_grew = bool(self._changed_streams)
        if not action.startswith(_READ_PREFIXES) and action not in _ITEM_ACTIONS:
            self._write_catalogue()
        if self._changed_items or self._changed_streams or self._replaced_tables:
            tables = {table["TableArn"]: table for table in dynamodb._tables.all_values()}
            self._write_replaced_tables(tables)
            self._write_items(tables)
            self._write_streams()
        self._database.commit()
        return streams_grew

    def close(self) -> None:
        """Writes what no request has written: that items expired."""
        self.commit("ListTables")
        self._database.close()

    def checkpoint(self, stream_arn: str, consumer: str) -> int:
        """Returns the position up to which `consumer` has processed the stream's records."""
        row = self._database.execute(
            "SELECT position FROM checkpoint WHERE stream_arn = ? AND consumer = ?",
            (stream_arn, consumer),
        ).fetchone()
        return int(row[0]) if row else 0

    def set_checkpoint(self, stream_arn: str, consumer: str, position: int) -> None:
        """Notes the position of `consumer`; the next commit writes it."""
        if self.checkpoint(stream_arn, consumer) != position:
            self._database.execute(
                "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)",
                (stream_arn, consumer, position),
            )

    def _watch(self) -> None:
        """Notes every change, by wrapping the functions of MiniStack that make them."""

        def notice(name: str, note: Callable[..., None]) -> None:
            original = getattr(dynamodb, name)

            @functools.wraps(original)
            def noticing(*args: Any, **kwargs: Any) -> Any:
                note(*args)
                return original(*args, **kwargs)

            setattr(dynamodb, name, noticing)

        def item_changes(table: dict[str, Any], pk: str, sk: str, *_: Any) -> None:
            self._changed_items[table["TableArn"], pk, sk] = None

        def items_are_replaced(table: dict[str, Any]) -> None:
            self._replaced_tables[table["TableArn"]] = None

        def stream_grows(table_name: str, *_: Any) -> None:
            key = (dynamodb.get_account_id(), dynamodb.get_region(), table_name)
            self._changed_streams[key] = None

        notice("_set_item", item_changes)
        notice("_remove_item", item_changes)
        notice("_items_replaced", items_are_replaced)
        notice("_emit_stream_event", stream_grows)

    def _load_items(self, table_arn: str) -> dict[str, dict[str, Any]]:
        items: dict[str, dict[str, Any]] = defaultdict(dict)
        rows = self._database.execute(
            "SELECT pk, sk, content FROM item WHERE table_arn = ?", (table_arn,)
        )
        for pk, sk, content in rows:
            items[pk][sk] = json.loads(content)
        return items

    def _load_stream(self, key: _Key, table: dict[str, Any]) -> None:
        arn = _stream_arn(table)
        row = self._database.execute(
            "SELECT start, next FROM stream WHERE stream_arn = ?", (arn,)
        ).fetchone()
        if row is None:
            return
        records = self._database.execute(
            "SELECT content FROM record WHERE stream_arn = ? ORDER BY position", (arn,)
        )
        dynamodb._stream_records.set_scoped(*key, [json.loads(content) for (content,) in records])
        dynamodb._stream_trimmed.set_scoped(*key, row[0])
        self._written[arn] = row

    def _write_catalogue(self) -> None:
        tables = type(dynamodb._tables)()
        for key, table in dynamodb._tables.all_items():
            description = {
                name: value
                for name, value in table.items()
                if name not in ("items", dynamodb._INDEX_MEMBERS)
            }
            tables.set_scoped(*key, description)
        content = {"tables": tables} | {name: getattr(dynamodb, f"_{name}") for name in _CATALOGUE}
        self._database.execute(
            "INSERT OR REPLACE INTO catalogue VALUES (1, ?)",
            (json.dumps(content, default=persistence._json_default),),
        )
        # Deleted tables and streams lose their rows.
        kept = {
            "tables": json.dumps([table["TableArn"] for table in tables.all_values()]),
            "streams": json.dumps([_stream_arn(table) for table in tables.all_values()]),
        }
        for statement in _FORGET:
            self._database.execute(statement, kept)

    def _write_replaced_tables(self, tables: dict[str, dict[str, Any]]) -> None:
        while self._replaced_tables:
            arn, _ = self._replaced_tables.popitem()
            self._database.execute("DELETE FROM item WHERE table_arn = ?", (arn,))
            for pk, partition in tables[arn]["items"].items() if arn in tables else ():
                self._changed_items.update(((arn, pk, sk), None) for sk in partition)

    def _write_items(self, tables: dict[str, dict[str, Any]]) -> None:
        while self._changed_items:
            (arn, pk, sk), _ = self._changed_items.popitem()
            table = tables.get(arn)
            item = table["items"].get(pk, {}).get(sk) if table else None
            if item is None:
                self._database.execute(
                    "DELETE FROM item WHERE table_arn = ? AND pk = ? AND sk = ?", (arn, pk, sk)
                )
            else:
                self._database.execute(
                    "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?)",
                    (arn, pk, sk, json.dumps(item)),
                )

    def _write_streams(self) -> None:
        while self._changed_streams:
            key, _ = self._changed_streams.popitem()
            arn = _stream_arn(dynamodb._tables.get_scoped(*key) or {})
            records = dynamodb._stream_records.get_scoped(*key)
            if not arn or records is None:
                continue
            start = dynamodb._stream_trimmed.get_scoped(*key, 0)
            written_start, written = self._written.get(arn, (0, 0))
            end = start + len(records)
            self._database.executemany(
                "INSERT INTO record VALUES (?, ?, ?)",
                (
                    (arn, position, json.dumps(records[position - start]))
                    for position in range(max(written, start), end)
                ),
            )
            if start > written_start:
                self._database.execute(
                    "DELETE FROM record WHERE stream_arn = ? AND position < ?", (arn, start)
                )
            self._database.execute(
                "INSERT OR REPLACE INTO stream VALUES (?, ?, ?)", (arn, start, end)
            )
            self._written[arn] = (start, end)


def _stream_arn(table: dict[str, Any]) -> str:
    """Returns the ARN of a table's stream, or "" if no stream is enabled."""
    enabled = (table.get("StreamSpecification") or {}).get("StreamEnabled")
    return str(table.get("LatestStreamArn", "")) if enabled else ""
