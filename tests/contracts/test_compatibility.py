"""The gate: today's schemas against those of the last release, whose readers run somewhere.

docs/events.md tells what may change and how a release is recorded.
"""

from collections.abc import Mapping

import pytest

from support.compatibility import breaks
from support.event_schemas import SCHEMAS, files, releases, resolved

LAST_RELEASE = releases()[-1]
# Breaks that were decided on, by the release that they break, with the reason. None is carried
# over: once there is a later release, this is empty again.
ACCEPTED: Mapping[str, Mapping[str, set[str]]] = {
    # Before 1.0.0 nobody was promised anything; and 0.1.0 did not say that more codes may come.
    "0.1.0": {
        f"{event}.v1.json": {
            "data.reason.code: values added: "
            "CANCELLED_BY_CUSTOMER, PAYMENT_EXPIRED, SHIPMENT_REJECTED"
        }
        for event in ("OrderCancelled", "OrderNeedsAttention")
    }
}


@pytest.mark.parametrize("file", files(LAST_RELEASE))
def test_nothing_breaks_those_who_read_the_last_release(file: str) -> None:
    # Given
    accepted = ACCEPTED.get(LAST_RELEASE.name, {}).get(file, set())
    assert (SCHEMAS / file).exists(), f"{file} is gone: its events are still being read"

    # When
    found = breaks(resolved(LAST_RELEASE / file), resolved(SCHEMAS / file))

    # Then
    unexpected = [each for each in found if f"{each.field}: {each.change}" not in accepted]
    assert not unexpected, (
        f"{file} breaks its readers; make it a new version, or say in ACCEPTED why it may:\n"
        + "\n".join(map(str, unexpected))
    )
    assert len(found) == len(accepted), "ACCEPTED names a break that is not there any more"


def test_accepted_breaks_are_of_the_last_release_alone() -> None:
    assert ACCEPTED.keys() <= {LAST_RELEASE.name}
