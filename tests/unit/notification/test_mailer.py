"""What SES is given, what becomes of its refusals, and failures on demand."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses import ses_backends

from builders import ORDER_ID
from notification import mailer
from notification.mailer import SesMailer
from notification.messages import Message
from shared import chaos
from shared.chaos import Chaos, Failures
from shared.errors import NotificationUnavailable

SENDER = "orders@example.com"
CUSTOMER = "ada@example.com"
MESSAGE = Message(ORDER_ID, "OrderPlaced", "Ünder way", "Thänk you", "<p>Thänk you</p>")


@pytest.fixture
def ses(aws: None) -> Any:
    """SES, with the shop's address verified."""
    mailer._ses().verify_email_identity(EmailAddress=SENDER)
    return ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]


class StubbornSes:
    """A mail service that answers with one error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def send_email(self, **_: Any) -> None:
        """Fails."""
        raise self._error


def answer(status: int, code: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": f"no mail for {CUSTOMER}"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        "SendEmail",
    )


def test_a_message_is_handed_to_ses_as_text_and_html(ses: Any) -> None:
    # When
    message_id = SesMailer(SENDER).send(CUSTOMER, MESSAGE)

    # Then
    (sent,) = ses.sent_messages
    assert sent.id == message_id
    assert sent.source == f"sagashop <{SENDER}>"
    assert sent.destinations["ToAddresses"] == [CUSTOMER]
    assert sent.subject == "Ünder way"


def test_a_sender_that_ses_does_not_know_sends_nothing(ses: Any) -> None:
    with pytest.raises(NotificationUnavailable, match="MessageRejected"):
        SesMailer("somebody@example.org").send(CUSTOMER, MESSAGE)


@pytest.mark.parametrize(
    "refusal", [answer(400, "Throttling"), ConnectTimeoutError(endpoint_url="https://ses")]
)
def test_what_was_certainly_not_taken_may_be_sent_again_at_once(
    refusal: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "_ses", lambda: StubbornSes(refusal))

    with pytest.raises(NotificationUnavailable) as caught:
        SesMailer(SENDER).send(CUSTOMER, MESSAGE)

    assert CUSTOMER not in str(caught.value)


@pytest.mark.parametrize(
    "doubt", [answer(500, "InternalFailure"), ReadTimeoutError(endpoint_url="https://ses")]
)
def test_what_may_have_been_taken_is_no_refusal(
    doubt: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "_ses", lambda: StubbornSes(doubt))

    with pytest.raises(type(doubt)):
        SesMailer(SENDER).send(CUSTOMER, MESSAGE)


def test_the_mail_service_fails_on_demand(ses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    injected = Chaos(notification=Failures(failure_rate=1))
    monkeypatch.setattr(chaos, "read", lambda: injected)

    # When, Then
    with pytest.raises(NotificationUnavailable):
        SesMailer(SENDER).send(CUSTOMER, MESSAGE)
    assert ses.sent_messages == []


def test_the_mail_service_is_slow_on_demand(ses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    injected = Chaos(notification=Failures(delay_seconds=1.5))
    monkeypatch.setattr(chaos, "read", lambda: injected)

    # When
    SesMailer(SENDER).send(CUSTOMER, MESSAGE)

    # Then
    assert waits == [1.5]
    assert len(ses.sent_messages) == 1
