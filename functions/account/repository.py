"""The accounts' table.

ACCOUNT#<account_id>  ACCOUNT               account_id, email, name, role, password_hash,
                                            generation, version, created_at, updated_at
ACCOUNT#<account_id>  SESSION#<session_id>  account_id, session_id, token_hash, generation,
                                            created_at, expires_at (for DynamoDB's TTL)
ACCOUNT#<account_id>  EVENT#<time>#<id>     the outbox: see `shared.outbox`
EMAIL#<address>       EMAIL                 account_id: an address has one account at most
LIMIT#…               LIMIT                 how often somebody tried: see `shared.limits`
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from account.domain import Account, Session, comparable
from shared import outbox
from shared.clock import from_iso, to_iso
from shared.dynamodb import (
    ConditionFailed,
    Item,
    get_row,
    to_item,
    transact_write,
    typed_failures,
)
from shared.errors import Conflict, StorageContention
from shared.events import DomainEvent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_ACCOUNT, _EMAIL, _SESSION = "ACCOUNT", "EMAIL", "SESSION"
_NOBODY = "nobody"


class AccountTable:
    """Accounts and their sessions. Every method may raise StorageContention."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def add(self, account: Account, event: DomainEvent) -> None:
        """Writes a new account; raises Conflict where its address has one."""
        email = _email_key(account.email) | to_item({"account_id": account.account_id})
        try:
            transact_write(
                self._dynamodb,
                [
                    self._put(_account_item(account), "attribute_not_exists(pk)"),
                    self._put(email, "attribute_not_exists(pk)"),
                    self._outbox(event),
                ],
            )
        except ConditionFailed as refused:
            raise Conflict("The address has an account already.", code="EMAIL_TAKEN") from refused

    def find(self, account_id: str) -> Account | None:
        row = get_row(self._dynamodb, self._table, _account_key(account_id))
        return None if row is None else _to_account(row)

    def find_by_email(self, email: str) -> Account | None:
        """Returns the address's account.

        It reads as many rows where there is none: time does not tell whether there is.
        """
        row = get_row(self._dynamodb, self._table, _email_key(email))
        return self.find(_NOBODY if row is None else row["account_id"])

    def update(
        self,
        before: Account,
        after: Account,
        event: DomainEvent | None = None,
        session: Session | None = None,
    ) -> None:
        """Replaces an account and, with it, one of its sessions.

        Raises StorageContention where the account, or the session, has changed since it was read.
        """
        writes = [self._put(_account_item(after), "version = :before", before=before.version)]
        if session is not None:
            valid = session.token_hash
            writes.append(self._put(_session_item(session), "token_hash = :valid", valid=valid))
        if event is not None:
            writes.append(self._outbox(event))
        self._transact(writes)

    def delete(self, account: Account, event: DomainEvent) -> None:
        """Deletes an account and frees its address; raises StorageContention as `update` does.

        Its sessions open nothing any more, and go when they expire.
        """
        self._transact(
            [
                self._delete(_account_key(account.account_id), account.version),
                {"Delete": {"TableName": self._table, "Key": _email_key(account.email)}},
                self._outbox(event),
            ]
        )

    def add_session(self, session: Session) -> None:
        with typed_failures():
            self._dynamodb.put_item(TableName=self._table, Item=_session_item(session))

    def find_session(self, account_id: str, session_id: str) -> Session | None:
        row = get_row(self._dynamodb, self._table, _session_key(account_id, session_id))
        return None if row is None else _to_session(row)

    def replace_session(self, before: Session, after: Session) -> bool:
        """Writes a session's next state; returns False where another request was faster."""
        try:
            with typed_failures():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=_session_item(after),
                    ConditionExpression="token_hash = :before AND generation = :generation",
                    ExpressionAttributeValues=to_item(
                        {":before": before.token_hash, ":generation": before.generation}
                    ),
                )
        except ConditionFailed:
            return False
        return True

    def delete_session(self, account_id: str, session_id: str) -> None:
        """Ends a session; one that has ended stays so."""
        with typed_failures():
            self._dynamodb.delete_item(
                TableName=self._table, Key=_session_key(account_id, session_id)
            )

    def _transact(self, writes: "list[TransactWriteItemTypeDef]") -> None:
        try:
            transact_write(self._dynamodb, writes)
        except ConditionFailed as refused:
            raise StorageContention("another request changed the account") from refused

    def _put(self, item: dict[str, Any], condition: str, **values: Any) -> Any:
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": condition,
        }
        if values:  # DynamoDB refuses an empty map
            put["ExpressionAttributeValues"] = to_item(
                {f":{name}": v for name, v in values.items()}
            )
        return {"Put": put}

    def _delete(self, key: dict[str, Any], version: int) -> "TransactWriteItemTypeDef":
        return {
            "Delete": {
                "TableName": self._table,
                "Key": key,
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": to_item({":version": version}),
            }
        }

    def _outbox(self, event: DomainEvent) -> "TransactWriteItemTypeDef":
        return outbox.put(self._table, f"{_ACCOUNT}#{event.subject_id}", event)


def _account_key(account_id: str) -> dict[str, Any]:
    return to_item({"pk": f"{_ACCOUNT}#{account_id}", "sk": _ACCOUNT})


def _email_key(email: str) -> dict[str, Any]:
    return to_item({"pk": f"{_EMAIL}#{comparable(email)}", "sk": _EMAIL})


def _session_key(account_id: str, session_id: str) -> dict[str, Any]:
    return to_item({"pk": f"{_ACCOUNT}#{account_id}", "sk": f"{_SESSION}#{session_id}"})


def _account_item(account: Account) -> dict[str, Any]:
    times = {
        "created_at": to_iso(account.created_at),
        "updated_at": to_iso(account.updated_at),
    }
    return _account_key(account.account_id) | to_item({**asdict(account), **times})


def _to_account(row: Item) -> Account:
    return Account(
        account_id=row["account_id"],
        email=row["email"],
        name=row["name"],
        role=row["role"],
        password_hash=row["password_hash"],
        created_at=from_iso(row["created_at"]),
        updated_at=from_iso(row["updated_at"]),
        generation=row["generation"],
        version=row["version"],
    )


def _session_item(session: Session) -> dict[str, Any]:
    times = {
        "created_at": to_iso(session.created_at),
        "expires_at": int(session.expires_at.timestamp()),
    }
    key = _session_key(session.account_id, session.session_id)
    return key | to_item({**asdict(session), **times})


def _to_session(row: Item) -> Session:
    return Session(
        account_id=row["account_id"],
        session_id=row["session_id"],
        token_hash=row["token_hash"],
        generation=row["generation"],
        created_at=from_iso(row["created_at"]),
        expires_at=datetime.fromtimestamp(row["expires_at"], UTC),
    )
