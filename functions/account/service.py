"""What can be done with an account: register, sign in and out, change its password, delete it.

The passwords and tokens that go through here are in no event, and in no line of a log.
"""

from dataclasses import dataclass
from datetime import datetime

from account import domain
from account.commands import AddOperator
from account.domain import Account, Session
from account.events import event_of
from account.passwords import Passwords
from account.refresh_token import RefreshToken
from account.repository import AccountTable
from account.requests import ChangePassword, Register, SignIn
from shared import ids
from shared.errors import (
    FieldError,
    InvalidToken,
    StorageContention,
    Unauthorized,
    ValidationFailed,
)
from shared.events import Origin
from shared.limits import Limit, Limiter
from shared.logging import logger
from shared.subjects import AccountSubject, Role
from shared.tokens import Tokens

WRONG_CREDENTIALS = "The e-mail address or the password is wrong."


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a caller may register, and try passwords."""

    registrations_per_client: Limit
    sign_ins_per_client: Limit
    sign_ins_per_email: Limit


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session's two tokens, for its holder."""

    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """The service's use cases. Each may raise StorageContention."""

    table: AccountTable
    passwords: Passwords
    tokens: Tokens
    limiter: Limiter
    limits: Limits

    def register(
        self, request: Register, client_address: str, origin: Origin, at: datetime
    ) -> Account:
        """Opens a customer's account; raises Conflict (EMAIL_TAKEN) and TooManyRequests."""
        self.limiter.count(self.limits.registrations_per_client, client_address, at)
        return _open(
            self.table, self.passwords, request.email, request.name, request.password, origin, at
        )

    def sign_in(self, request: SignIn, client_address: str, at: datetime) -> SignedIn:
        """Begins a session. Raises Unauthorized (WRONG_CREDENTIALS) and TooManyRequests.

        Neither the answer nor how long it takes tells whether the address has an account.
        """
        self.limiter.count(self.limits.sign_ins_per_client, client_address, at)
        self._count_try(request.email, at)
        account = self.table.find_by_email(request.email)
        known_hash = None if account is None else account.password_hash
        is_right = self.passwords.is_right(request.password, known_hash)
        if account is None or not is_right:
            logger.warning("sign-in refused")
            raise Unauthorized(WRONG_CREDENTIALS, code="WRONG_CREDENTIALS")
        if self.passwords.is_outdated(account.password_hash):
            account = self._rehash(account, request.password, at)
        token = RefreshToken.new(account.account_id, ids.new_id("ses", at))
        self.table.add_session(domain.begin_session(account, token.session_id, token.hash, at))
        logger.info("signed in", account_id=account.account_id, session_id=token.session_id)
        return self._signed_in(account, token, at)

    def refresh(self, text: str, at: datetime) -> SignedIn:
        """Renews a session; its refresh token is spent then. Raises InvalidToken.

        A token that is not the session's valid one is one that was spent: either its holder or
        whoever renewed the session before has stolen it, so the session ends for both of them.
        https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2
        """
        token = RefreshToken.read(text)
        session = self.table.find_session(token.account_id, token.session_id) if token else None
        account = self.table.find(token.account_id) if token else None
        if token is None or session is None or account is None:
            raise InvalidToken("The session has ended. Sign in again.")
        if session.token_hash != token.hash:
            self._end_reused(session)
        if not domain.is_open(session, account, at):
            raise InvalidToken("The session has ended. Sign in again.")
        following = RefreshToken.new(account.account_id, session.session_id)
        if not self.table.replace_session(session, domain.renewed(session, following.hash, at)):
            self._end_reused(session)
        return self._signed_in(account, following, at)

    def sign_out(self, subject: AccountSubject) -> None:
        """Ends the session that the caller's access token belongs to."""
        if subject.session_id is not None:
            self.table.delete_session(subject.account_id, subject.session_id)
            logger.info("signed out", session_id=subject.session_id)

    def get(self, subject: AccountSubject) -> Account:
        """Returns the caller's account; raises InvalidToken where it has been deleted."""
        account = self.table.find(subject.account_id)
        if account is None:
            raise InvalidToken("The account has been deleted.")
        return account

    def change_password(
        self, subject: AccountSubject, request: ChangePassword, origin: Origin, at: datetime
    ) -> None:
        """Sets another password, and ends every session but the caller's.

        Raises ValidationFailed where `current_password` is wrong, and TooManyRequests.
        """
        account = self.get(subject)
        self._check_password(account, request.current, "current_password", at)
        changed = domain.with_password(account, self.passwords.hash(request.new), at)
        session = self._session_of(subject)
        if session is not None:
            session = domain.moved_to(session, changed)
        event = event_of("PasswordChanged", changed, origin, at)
        self.table.update(account, changed, event, session)
        logger.info("password changed", account_id=account.account_id)

    def delete(self, subject: AccountSubject, password: str, origin: Origin, at: datetime) -> None:
        """Deletes the account and all its sessions.

        Raises ValidationFailed where the password is wrong, and TooManyRequests.
        """
        account = self.get(subject)
        self._check_password(account, password, "password", at)
        closed = domain.closed(account, at)
        self.table.delete(account, event_of("AccountDeleted", closed, origin, at))
        logger.info("account deleted", account_id=account.account_id)

    def _count_try(self, email: str, at: datetime) -> None:
        self.limiter.count(self.limits.sign_ins_per_email, domain.comparable(email), at)

    def _check_password(self, account: Account, password: str, field: str, at: datetime) -> None:
        """Raises ValidationFailed; counted, since who stole an access token may be guessing."""
        self._count_try(account.email, at)
        if not self.passwords.is_right(password, account.password_hash):
            raise ValidationFailed([FieldError(field, "is not the account's password")])

    def _rehash(self, account: Account, password: str, at: datetime) -> Account:
        changed = domain.rehashed(account, self.passwords.hash(password), at)
        try:
            self.table.update(account, changed)
        except StorageContention:
            return account  # the next sign-in does it
        return changed

    def _session_of(self, subject: AccountSubject) -> Session | None:
        if subject.session_id is None:
            return None
        return self.table.find_session(subject.account_id, subject.session_id)

    def _end_reused(self, session: Session) -> None:
        """Ends a session whose refresh token came twice; raises InvalidToken."""
        self.table.delete_session(session.account_id, session.session_id)
        logger.warning(
            "refresh token reused",
            account_id=session.account_id,
            session_id=session.session_id,
        )
        raise InvalidToken("The session has ended. Sign in again.")

    def _signed_in(self, account: Account, token: RefreshToken, at: datetime) -> SignedIn:
        access_token = self.tokens.for_account(
            account.account_id, account.role, at, token.session_id
        )
        return SignedIn(access_token, token.text)


def add_operator(
    table: AccountTable, passwords: Passwords, command: AddOperator, origin: Origin, at: datetime
) -> Account:
    """Makes the address's account an operator's, with this password; opens it if necessary.

    Of an account with another password, every session ends: its holder may be somebody else.
    """
    account = table.find_by_email(command.email)
    if account is None:
        name = command.email.partition("@")[0]
        return _open(
            table, passwords, command.email, name, command.password, origin, at, role="operator"
        )
    changed, event = account, None
    if not passwords.is_right(command.password, account.password_hash):
        changed = domain.with_password(changed, passwords.hash(command.password), at)
        event = event_of("PasswordChanged", changed, origin, at)
    if changed.role != "operator":
        changed = domain.as_operator(changed, at)
    if changed != account:
        table.update(account, changed, event)
        logger.info("operator changed", account_id=account.account_id)
    return changed


def _open(
    table: AccountTable,
    passwords: Passwords,
    email: str,
    name: str,
    password: str,
    origin: Origin,
    at: datetime,
    role: Role = "customer",
) -> Account:
    """Opens an account; raises Conflict (EMAIL_TAKEN)."""
    account_id = ids.new_id("acc", at)
    account = Account(account_id, email, name, role, passwords.hash(password), at, at)
    table.add(account, event_of("AccountRegistered", account, origin, at))
    logger.info("account registered", account_id=account_id, role=role)
    return account
