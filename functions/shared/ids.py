"""Identifiers: sortable random ones for new things, derived ones where a repeat must be the same.

Random ids are ULIDs (https://github.com/ulid/spec): 48 bits of milliseconds and 80 random bits in
Crockford's base 32, so that ids sort by the time they were made. Derived ids have the same shape.
"""

import hashlib
import re
import secrets
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26
_RANDOM_BITS = 80


def new_id(prefix: str, at: datetime) -> str:
    """Returns a fresh id such as `ord_01J9Z3K4M5N6P7Q8R9S0T1V2W3`, made at the aware time `at`."""
    milliseconds = int(at.timestamp() * 1000)
    return f"{prefix}_{_encode(milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS))}"


def derived_id(prefix: str, *names: str) -> str:
    """Returns the id that `names` always give, so that a repeated step names the same thing."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return f"{prefix}_{_encode(int.from_bytes(digest[:16]))}"


def is_id(prefix: str, text: str) -> bool:
    """Tells whether `text` has the form of an id with this prefix."""
    return re.fullmatch(f"{prefix}_[{_ALPHABET}]{{{_LENGTH}}}", text) is not None


def event_id(subject_id: str, event_type: str, occurrence: int = 1) -> str:
    """Returns the id of an order's event, say: a repeated step cannot produce a second one.

    `occurrence` tells apart the events of one type that a subject may have several of, such as
    OrderRedriven: the first is 1.
    """
    names = (subject_id, event_type, *([] if occurrence == 1 else [str(occurrence)]))
    return derived_id("evt", *names)


def new_trace_id(at: datetime) -> str:
    """Returns a fresh trace id in X-Ray's form: `1-<8 digits of seconds>-<24 random digits>`, hex.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
    """
    return f"1-{int(at.timestamp()):08x}-{secrets.token_hex(12)}"


def _encode(value: int) -> str:
    characters = []
    for _ in range(_LENGTH):
        value, digit = divmod(value, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(reversed(characters))
