"""Builds what the account service works with, once a process and at its first use."""

from dataclasses import dataclass
from functools import cache

from account.passwords import Passwords
from account.repository import AccountTable
from account.service import Accounts, Limits
from shared import dynamodb, tokens
from shared.limits import Limit, Limiter
from shared.settings import load
from shared.storage import own_table

_QUARTER_OF_AN_HOUR, _HOUR = 900, 3600


@dataclass(frozen=True)
class Settings:
    """How often one client address may register in an hour, and try to sign in in a quarter of one.

    Several people may share an address, so it may do more than a single e-mail address.
    """

    registrations_per_client: int = 20
    sign_ins_per_client: int = 100
    sign_ins_per_email: int = 10


@cache
def table() -> AccountTable:
    return AccountTable(dynamodb.client(), own_table())


@cache
def passwords() -> Passwords:
    return Passwords()


@cache
def accounts() -> Accounts:
    limits = load(Settings)
    return Accounts(
        table(),
        passwords(),
        tokens.tokens(),
        Limiter(dynamodb.client(), own_table()),
        Limits(
            Limit("register", limits.registrations_per_client, _HOUR),
            Limit("sign-in-client", limits.sign_ins_per_client, _QUARTER_OF_AN_HOUR),
            Limit("sign-in-email", limits.sign_ins_per_email, _QUARTER_OF_AN_HOUR),
        ),
    )
