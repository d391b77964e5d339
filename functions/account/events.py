"""The account service's domain events; their schemas are in `shared/schemas`.

They say that something happened to an account and not whose it is: no event has an address.
"""

from datetime import datetime

from account.domain import Account
from shared.events import DomainEvent, Origin


def event_of(name: str, account: Account, origin: Origin, at: datetime) -> DomainEvent:
    """Returns what happened at `at`: AccountRegistered, PasswordChanged or AccountDeleted.

    The account's version is the event's sequence, and tells apart several of one type.
    """
    return DomainEvent(
        "account",
        name,
        account.account_id,
        at,
        origin,
        {},
        occurrence=account.version,
        sequence=account.version,
        subject="account",
    )
