"""Somebody who talks to the account service over HTTP."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from account import api
from builders import a_request

type Response = dict[str, Any]
type Browsers = Callable[[], "Browser"]

EMAIL, PASSWORD = "Ada@Example.com", "a long sentence"


@dataclass
class Browser:
    """Somebody who talks to the service, and keeps the tokens that it gets."""

    context: Any
    access_token: str = ""
    refresh_token: str = ""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Sends a request with the access token, where there is one."""
        token = {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}
        return api.handler(
            a_request(method, path, body=body, headers={**token, **headers}), self.context
        )

    def register(self, email: str = EMAIL, password: str = PASSWORD) -> Response:
        return self.send("POST", "/accounts", {"email": email, "name": "Ada", "password": password})

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> Response:
        return self._keeping(self.send("POST", "/sessions", {"email": email, "password": password}))

    def refresh(self, refresh_token: str | None = None) -> Response:
        token = self.refresh_token if refresh_token is None else refresh_token
        return self._keeping(self.send("POST", "/sessions/refresh", {"refresh_token": token}))

    def change_password(self, current: str, new: str) -> Response:
        return self.send(
            "POST", "/accounts/me/password", {"current_password": current, "new_password": new}
        )

    def _keeping(self, response: Response) -> Response:
        if response["statusCode"] == 201:
            body = json.loads(response["body"])
            self.access_token = body["access_token"]
            self.refresh_token = body["refresh_token"]
        return response


def body_of(response: Response) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(response["body"])
    return body
