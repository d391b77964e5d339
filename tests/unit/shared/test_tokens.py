"""Bearer tokens: what they say, and everything that is not one of ours."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import jwt
import pytest

from shared.errors import InvalidToken
from shared.subjects import AccountSubject, OrderSubject, Role
from shared.token_keys import SigningKeys
from shared.tokens import Tokens, tokens

ACCOUNT_ID = "acc_01JNQ4ZV8X0000000000000001"
ORDER_ID = "ord_01JNQ4ZV8X0000000000000001"
NOW = datetime(2026, 3, 1, 9, 30, 0, 125_000, tzinfo=UTC)
FIRST_KEY, SECOND_KEY = "a" * 64, "b" * 64
CLAIMS: Mapping[str, Any] = {
    "aud": "account",
    "sub": ACCOUNT_ID,
    "role": "customer",
    "iat": int(NOW.timestamp()),
    "nbf": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 900,
}


@dataclass
class Secret:
    """The stack's keys, and how often somebody has read them."""

    keys: dict[str, str] = field(default_factory=lambda: {"current": "first", "first": FIRST_KEY})
    reads: int = 0

    def fetch(self) -> Mapping[str, str]:
        self.reads += 1
        return dict(self.keys)

    def rotate(self) -> None:
        """Makes a second key the current one; the first stays."""
        self.keys |= {"current": "second", "second": SECOND_KEY}


@pytest.fixture
def secret() -> Secret:
    return Secret()


@pytest.fixture
def ours(secret: Secret, frozen_clock: Any) -> Tokens:
    return Tokens(SigningKeys(secret.fetch))


def signed(
    claims: Mapping[str, Any] = CLAIMS,
    *,
    key: str = FIRST_KEY,
    headers: Mapping[str, Any] | None = None,
    without: str | None = None,
) -> str:
    """Returns a token made by hand, of claims that PyJWT might not sign."""
    header = {"alg": "HS256", "typ": "JWT", "kid": "first", **(headers or {})}
    body = {name: value for name, value in claims.items() if name != without}
    parts = b".".join(map(encoded, (header, body)))
    signature = hmac.new(key.encode(), parts, hashlib.sha256).digest()
    return b".".join([parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def encoded(part: Mapping[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


@pytest.mark.parametrize("role", ["customer", "operator"])
def test_an_access_token_says_which_account_signed_in_and_in_which_role(
    role: Role, ours: Tokens
) -> None:
    # When
    subject = ours.read(ours.for_account(ACCOUNT_ID, role, NOW), NOW)

    # Then
    assert subject == AccountSubject(ACCOUNT_ID, role)
    assert subject.is_operator == (role == "operator")


def test_an_order_token_says_which_order_it_opens(ours: Tokens) -> None:
    assert ours.read(ours.for_order(ORDER_ID, NOW), NOW) == OrderSubject(ORDER_ID)


def test_an_order_has_the_same_token_whenever_it_is_asked_for(
    ours: Tokens, frozen_clock: Any
) -> None:
    # Given
    first = ours.for_order(ORDER_ID, NOW)

    # When
    frozen_clock.advance(days=7)

    # Then
    assert ours.for_order(ORDER_ID, NOW) == first


def test_a_token_made_by_hand_is_read_as_ours_are(ours: Tokens) -> None:
    """What the refused ones below differ from in one thing each."""
    assert ours.read(signed(), NOW) == AccountSubject(ACCOUNT_ID, "customer")


@pytest.mark.parametrize(
    ("made", "lifetime"),
    [
        (lambda ours: ours.for_account(ACCOUNT_ID, "customer", NOW), timedelta(minutes=15)),
        (lambda ours: ours.for_order(ORDER_ID, NOW), timedelta(days=90)),
    ],
)
def test_an_expired_token_is_refused_and_not_a_second_earlier(
    made: Any, lifetime: timedelta, ours: Tokens
) -> None:
    # Given
    token = made(ours)
    expires = NOW.replace(microsecond=0) + lifetime

    # Then
    assert ours.read(token, expires - timedelta(seconds=1))
    with pytest.raises(InvalidToken):
        ours.read(token, expires)


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_that_is_not_valid_yet_is_refused_but_for_what_clocks_differ_by(
    claim: str, ours: Tokens
) -> None:
    # Given
    now = int(NOW.timestamp())

    # Then
    assert ours.read(signed({**CLAIMS, claim: now + 5}), NOW)
    with pytest.raises(InvalidToken):
        ours.read(signed({**CLAIMS, claim: now + 6}), NOW)


@pytest.mark.parametrize("audience", ["payment", "", ["account"], ["account", "order"], None])
def test_a_token_for_somebody_else_is_refused(audience: Any, ours: Tokens) -> None:
    with pytest.raises(InvalidToken):
        ours.read(signed({**CLAIMS, "aud": audience}), NOW)


@pytest.mark.parametrize("claim", ["aud", "sub", "role", "iat", "nbf", "exp"])
def test_a_token_without_one_of_its_claims_is_refused(claim: str, ours: Tokens) -> None:
    with pytest.raises(InvalidToken):
        ours.read(signed(without=claim), NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": ORDER_ID},
        {"sub": "acc_1"},
        {"sub": 7},
        {"role": "root"},
        {"role": ["operator"]},
        {"exp": "9999999999"},
        {"exp": 1e300},
        {"nbf": "0"},
        {"aud": "order"},
    ],
)
def test_a_claim_of_the_wrong_form_is_refused(changed: dict[str, Any], ours: Tokens) -> None:
    with pytest.raises(InvalidToken):
        ours.read(signed({**CLAIMS, **changed}), NOW)


def test_an_order_token_never_speaks_for_an_account(ours: Tokens) -> None:
    # Given an order's token with an account in it, which only we could have signed
    claims = {"aud": "order", "sub": ACCOUNT_ID, "exp": CLAIMS["exp"], "role": "operator"}

    # Then
    with pytest.raises(InvalidToken):
        ours.read(signed(claims), NOW)
    assert not isinstance(ours.read(ours.for_order(ORDER_ID, NOW), NOW), AccountSubject)


def test_an_access_token_never_opens_an_order_by_its_id(ours: Tokens) -> None:
    with pytest.raises(InvalidToken):
        ours.read(signed({**CLAIMS, "sub": ORDER_ID}), NOW)
    assert not isinstance(
        ours.read(ours.for_account(ACCOUNT_ID, "customer", NOW), NOW), OrderSubject
    )


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_token_is_refused(algorithm: str, ours: Tokens) -> None:
    # Given
    parts = [encoded({"alg": algorithm, "typ": "JWT", "kid": "first"}), encoded(CLAIMS)]

    # Then
    for signature in (b"", b"AAAA"):
        with pytest.raises(InvalidToken):
            ours.read(b".".join([*parts, signature]).decode(), NOW)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_header_does_not_choose_the_algorithm(algorithm: str, ours: Tokens) -> None:
    # Given a token that is signed with our key, in another way
    token = jwt.encode(dict(CLAIMS), FIRST_KEY * 2, algorithm, headers={"kid": "first"})

    # Then
    with pytest.raises(InvalidToken):
        ours.read(token, NOW)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", ["HS256"], None])
def test_a_token_that_claims_another_kind_of_key_is_refused(algorithm: Any, ours: Tokens) -> None:
    """Algorithm confusion: the key is shared, and never taken for a public one."""
    with pytest.raises(InvalidToken):
        ours.read(signed(headers={"alg": algorithm}), NOW)


def test_a_changed_payload_is_refused(ours: Tokens) -> None:
    # Given
    header, _, signature = signed().split(".")
    payload = encoded({**CLAIMS, "role": "operator"}).decode()

    # Then
    with pytest.raises(InvalidToken):
        ours.read(f"{header}.{payload}.{signature}", NOW)


@pytest.mark.parametrize("position", [0, 20, 41])
def test_a_changed_signature_is_refused(position: int, ours: Tokens) -> None:
    # Given
    header, payload, signature = signed().split(".")
    other = "A" if signature[position] != "A" else "B"
    changed = signature[:position] + other + signature[position + 1 :]

    # Then
    with pytest.raises(InvalidToken):
        ours.read(f"{header}.{payload}.{changed}", NOW)


def test_a_token_of_another_stacks_key_is_refused(ours: Tokens) -> None:
    with pytest.raises(InvalidToken):
        ours.read(signed(key="c" * 64), NOW)


@pytest.mark.parametrize("key_id", [None, "", 7, ["first"], {}, "../first", "current"])
def test_a_token_that_names_no_key_is_refused(key_id: Any, ours: Tokens) -> None:
    with pytest.raises(InvalidToken):
        ours.read(signed(headers={"kid": key_id}), NOW)


def test_the_name_of_the_current_key_is_no_key(ours: Tokens) -> None:
    # Given: the secret's entry "current" holds a word that everybody knows
    token = signed(key="first", headers={"kid": "current"})

    # Then
    with pytest.raises(InvalidToken):
        ours.read(token, NOW)


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b", "a.b.c", "é.é.é", "e30.e30.e30", "\ud800", f"{'W' * 900}.e30.e30"],
)
def test_what_is_no_token_at_all_is_refused(token: str, ours: Tokens) -> None:
    with pytest.raises(InvalidToken):
        ours.read(token, NOW)


def test_a_deeply_nested_header_is_refused(ours: Tokens) -> None:
    # Given
    header = base64.urlsafe_b64encode(b"[" * 700).rstrip(b"=").decode()

    # Then
    with pytest.raises(InvalidToken):
        ours.read(f"{header}.e30.AAAA", NOW)


def test_an_oversized_token_is_refused_without_being_decoded(
    ours: Tokens, secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    def decode(*_: Any) -> Any:
        raise AssertionError("the token was decoded")

    monkeypatch.setattr(jwt, "get_unverified_header", decode)

    # Then
    with pytest.raises(InvalidToken, match="too long"):
        ours.read(signed({**CLAIMS, "padding": "x" * 1024}), NOW)
    assert secret.reads == 0


def test_unknown_keys_do_not_fetch_the_secret_for_each_request(
    ours: Tokens, secret: Secret, frozen_clock: Any
) -> None:
    # When
    for number in range(100):
        with pytest.raises(InvalidToken):
            ours.read(signed(headers={"kid": f"key-{number}"}), NOW)

    # Then: once because none was known, and once because one was unknown
    assert secret.reads == 2

    # When
    frozen_clock.advance(seconds=5)
    with pytest.raises(InvalidToken):
        ours.read(signed(headers={"kid": "key-0"}), NOW)

    # Then
    assert secret.reads == 3


def test_a_token_of_a_key_made_a_moment_ago_is_read_at_once(
    ours: Tokens, secret: Secret, frozen_clock: Any
) -> None:
    # Given a function that has the old keys, and another one that has the new ones
    ours.read(signed(), NOW)
    secret.rotate()
    token = Tokens(SigningKeys(secret.fetch)).for_account(ACCOUNT_ID, "customer", NOW)

    # Then
    assert ours.read(token, NOW) == AccountSubject(ACCOUNT_ID, "customer")


def test_a_new_key_signs_within_a_minute_and_the_old_one_stays_valid(
    ours: Tokens, secret: Secret, frozen_clock: Any
) -> None:
    # Given
    old = ours.for_account(ACCOUNT_ID, "customer", NOW)
    secret.rotate()

    # When
    frozen_clock.advance(seconds=60)
    new = ours.for_account(ACCOUNT_ID, "customer", NOW)

    # Then
    assert jwt.get_unverified_header(new)["kid"] == "second"
    assert ours.read(old, NOW) == ours.read(new, NOW)


def test_the_tokens_of_a_revoked_key_end_within_a_minute(
    ours: Tokens, secret: Secret, frozen_clock: Any
) -> None:
    # Given
    token = ours.for_account(ACCOUNT_ID, "customer", NOW)
    secret.rotate()
    del secret.keys["first"]

    # When
    frozen_clock.advance(seconds=60)

    # Then
    with pytest.raises(InvalidToken):
        ours.read(token, NOW)


@pytest.fixture
def _no_tokens_yet() -> Iterator[None]:
    tokens.cache_clear()
    yield
    tokens.cache_clear()


@pytest.mark.usefixtures("aws", "_no_tokens_yet")
def test_a_functions_keys_come_from_its_stacks_secret() -> None:
    # Given
    boto3.client("secretsmanager").create_secret(
        Name="sagashop-unit-token-keys", SecretString=json.dumps(Secret().keys)
    )

    # Then
    assert tokens().read(signed(), NOW) == AccountSubject(ACCOUNT_ID, "customer")
