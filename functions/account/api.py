"""Accounts and sessions over HTTP."""

from http import HTTPStatus
from typing import Any

from account import requests, views, wiring
from account.requests import ChangePassword, Register, SignIn
from account.service import SignedIn
from shared import clock
from shared.http import Answer, ServiceApi

api = ServiceApi("account")
handler = api.handler


@api.post("/accounts")
def register() -> Answer:
    """Opens an account; 409 where the address has one."""
    request = Register.read(api.json_body())
    account = wiring.accounts().register(request, api.client_address(), api.origin, clock.now())
    return Answer(views.account_view(account), HTTPStatus.CREATED, {"Location": "/accounts/me"})


@api.get("/accounts/me")
def get_account() -> dict[str, Any]:
    """Answers `views.account_view` of the account that the caller signed in to."""
    return views.account_view(wiring.accounts().get(api.account()))


@api.post("/accounts/me/password")
def change_password() -> dict[str, Any]:
    """Sets another password; the caller stays signed in, and everybody else is signed out."""
    subject = api.account()
    request = ChangePassword.read(api.json_body())
    wiring.accounts().change_password(subject, request, api.origin, clock.now())
    return {}


@api.delete("/accounts/me")
def delete_account() -> dict[str, Any]:
    """Deletes the account that the caller signed in to."""
    subject = api.account()
    password = requests.read_password(api.json_body())
    wiring.accounts().delete(subject, password, api.origin, clock.now())
    return {}


@api.post("/sessions")
def sign_in() -> Answer:
    """Begins a session."""
    request = SignIn.read(api.json_body())
    return _session(wiring.accounts().sign_in(request, api.client_address(), clock.now()))


@api.post("/sessions/refresh")
def refresh() -> Answer:
    """Renews a session: new tokens for a refresh token, which is spent then."""
    token = requests.read_refresh_token(api.json_body())
    return _session(wiring.accounts().refresh(token, clock.now()))


@api.delete("/sessions/current")
def sign_out() -> dict[str, Any]:
    """Ends the session of the caller's access token; a repeat answers the same."""
    wiring.accounts().sign_out(api.account())
    return {}


def _session(signed_in: SignedIn) -> Answer:
    body = views.session_view(signed_in.access_token, signed_in.refresh_token)
    return Answer(body, HTTPStatus.CREATED)
