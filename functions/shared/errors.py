"""Every failure that sagashop raises on purpose.

    SagaError                         a step of the saga could not do its work
    ├── BusinessError                 a business rule refuses: never retried, compensated
    │   ├── OutOfStock
    │   ├── UnknownProduct
    │   ├── PaymentDeclined
    │   ├── PaymentExpired
    │   ├── CancelledByCustomer
    │   ├── ShipmentRejected
    │   ├── ExecutionSuperseded
    │   └── StepAlreadyUndone
    ├── TransientError                may pass: retried with backoff, then compensated
    │   ├── StockContention
    │   ├── StorageContention
    │   ├── PaymentWindowOpen
    │   ├── PaymentProviderUnavailable
    │   ├── RefundUnavailable
    │   ├── CarrierUnavailable
    │   ├── CircuitOpen
    │   └── NotificationUnavailable
    └── AmbiguousError                may have happened: never retried, compensated
        └── PaymentOutcomeUnknown

    HttpError                         an HTTP caller gets a problem document
    ├── MalformedRequest              400
    ├── Unauthorized                  401
    │   └── InvalidToken
    ├── NotFound                      404
    ├── MethodNotAllowed              405
    ├── Conflict                      409
    ├── BodyTooLarge                  413
    ├── UnsupportedMediaType          415
    ├── ValidationFailed              422, naming each wrong field
    ├── TooManyRequests               429, the same call may succeed later
    │   └── TooManyUnpaidOrders
    └── ServiceBusy                   503, another call may succeed later
        └── PaymentsUnavailable

    UnknownStep                       the state machine asked a service for a step it doesn't have
    InjectedFailure                   failure injection made a step fail for good
    ConfigurationError                a function was deployed without a setting that it needs

The state machine's `Retry` and `Catch` name the leaves of SagaError: a class's name is an
interface. What is not in this tree is a bug; the saga compensates for it too, and it surfaces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class SagaError(Exception):
    """A step of the saga could not do its work."""


class BusinessError(SagaError):
    """A business rule refuses the step; a retry would give the same answer."""


class TransientError(SagaError):
    """The step may not have happened; it is safe to try it again, and it may succeed then."""


class AmbiguousError(SagaError):
    """It is unknown whether the step happened, so it has to be undone."""


class OutOfStock(BusinessError):
    """Fewer units are available than the order asks for."""


class UnknownProduct(BusinessError):
    """The order names a product that the catalogue does not have."""


class PaymentDeclined(BusinessError):
    """The payment provider refused the charge."""


class PaymentExpired(BusinessError):
    """The customer did not pay in time."""


class CancelledByCustomer(BusinessError):
    """The customer cancelled before the order was completed."""


class ShipmentRejected(BusinessError):
    """The carrier does not take the order, or does not go where it is meant to."""


class ExecutionSuperseded(BusinessError):
    """Another execution has the order now, so this one must not change it."""


class StepAlreadyUndone(BusinessError):
    """A late step arrived after its own compensation."""


class StockContention(TransientError):
    """Another order changed the same stock at the same moment."""


class StorageContention(TransientError):
    """The table was busy (a conflicting transaction, or throttled), or did not answer."""


class PaymentWindowOpen(TransientError):
    """The customer can still pay, so the order must not expire yet."""


class PaymentProviderUnavailable(TransientError):
    """The payment provider did not take the request."""


class RefundUnavailable(TransientError):
    """The payment provider could not refund just now."""


class CarrierUnavailable(TransientError):
    """The carrier did not take the request."""


class CircuitOpen(TransientError):
    """A partner is down, so it was not even asked: see `shared.circuit`."""


class NotificationUnavailable(TransientError):
    """The mail service did not take the message."""


class PaymentOutcomeUnknown(AmbiguousError):
    """The charge was sent and its answer never came."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field of a request: its path (`items[0].sku`) and a sentence on what it must be."""

    field: str
    message: str


class HttpError(Exception):
    """A failure that an HTTP caller can act on; a subclass sets its status, title and code."""

    status: ClassVar[int]
    title: ClassVar[str]
    default_code: ClassVar[str]

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code


class MalformedRequest(HttpError):
    """The body is not the JSON that it claims to be."""

    status = 400
    title = "The request could not be read"
    default_code = "MALFORMED_REQUEST"


class Unauthorized(HttpError):
    """The caller did not show that it may do this."""

    status = 401
    title = "Not authorized"
    default_code = "UNAUTHORIZED"


class InvalidToken(Unauthorized):
    """The caller sent a bearer token that is not valid; without one, it may do less or nothing."""

    default_code = "INVALID_TOKEN"


class NotFound(HttpError):
    """There is no such thing."""

    status = 404
    title = "Not found"
    default_code = "NOT_FOUND"


class MethodNotAllowed(HttpError):
    """The path exists, and not for this method."""

    status = 405
    title = "Method not allowed"
    default_code = "METHOD_NOT_ALLOWED"


class Conflict(HttpError):
    """The request contradicts what is already stored."""

    status = 409
    title = "The request conflicts with an earlier one"
    default_code = "CONFLICT"


class BodyTooLarge(HttpError):
    """The body is larger than any request needs."""

    status = 413
    title = "The body is too large"
    default_code = "BODY_TOO_LARGE"


class UnsupportedMediaType(HttpError):
    """The body is declared as something other than JSON."""

    status = 415
    title = "Unsupported media type"
    default_code = "UNSUPPORTED_MEDIA_TYPE"


class ValidationFailed(HttpError):
    """One or more fields are missing or wrong; `errors` names each."""

    status = 422
    title = "Some fields are missing or wrong"
    default_code = "VALIDATION_FAILED"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = tuple(errors)


class TooManyRequests(HttpError):
    """The caller has reached a limit; `retry_after` is how many seconds it has to wait."""

    status = 429
    title = "Too many requests"
    default_code = "TOO_MANY_REQUESTS"

    def __init__(self, *, retry_after: int, detail: str = "Too many requests.") -> None:
        super().__init__(f"{detail} Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class TooManyUnpaidOrders(TooManyRequests):
    """The caller has too many orders that wait for their payment."""

    title = "Too many unpaid orders"
    default_code = "UNPAID_ORDERS"

    def __init__(self, *, retry_after: int) -> None:
        detail = "Pay or cancel the orders that wait for it, or pay with this one."
        super().__init__(retry_after=retry_after, detail=detail)


class ServiceBusy(HttpError):
    """The service could not do the work, or does not know whether it did: an answer may be lost.

    `detail` says whether a repetition is safe. `retry_after` is how many seconds to wait before it,
    None where the caller should look before it repeats anything.
    """

    status = 503
    title = "The service is busy"
    default_code = "SERVICE_BUSY"

    def __init__(self, detail: str, *, retry_after: int | None = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class PaymentsUnavailable(ServiceBusy):
    """The payment provider does not answer, so no new order is accepted; nothing happened."""

    title = "Payments are not available"
    default_code = "PAYMENTS_UNAVAILABLE"


class UnknownStep(Exception):
    """The state machine asked a service for a step that it doesn't have."""


class InjectedFailure(Exception):
    """Failure injection made a step of the saga fail for good."""


class ConfigurationError(Exception):
    """A function was deployed without a setting that it needs, or with one that makes no sense."""
