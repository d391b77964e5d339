"""The tracing header, by which a nested call names the call that made it.

The SDK in a worker sends the header that the worker's call came with, so putting an id of our own
into `Parent` tells which call a nested one belongs to. That is also what the field means: the id of
the segment (here, the function's run) that made the request.
https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

import secrets


def new_segment_id() -> str:
    """Returns 16 hexadecimal digits."""
    return secrets.token_hex(8)


def parent_of(trace_header: str) -> str | None:
    """Returns the segment that made the request, e.g. `4c721bf33e3caf8f`."""
    return _fields(trace_header).get("Parent")


def with_parent(trace_header: str, segment_id: str) -> str:
    """Returns the header with another parent; the trace's id and its other fields stay."""
    fields = _fields(trace_header) | {"Parent": segment_id}
    return ";".join(f"{name}={value}" for name, value in fields.items())


def _fields(trace_header: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in trace_header.split(";") if part)
    return {name: value for name, _, value in pairs}
