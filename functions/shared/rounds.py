"""A round over all marked rows of a table, which takes several sweeps where one is too short.

A sweep that runs out of time stores where it stopped, and the next one continues there. So however
many rows have to wait, each is checked in its turn. After the last row, a new round begins.
"""

import time

from shared.logging import logger
from shared.storage import Position, Row, Table, Unreadable, position_of

# The function's timeout is a minute.
_BUDGET_SECONDS = 45.0


class Round[R: Row]:
    """One sweep's part of a round.

    tour = Round(table)
    for row in table.unsettled(after=tour.start):
        if tour.is_over():
            break
        …
        tour.passed(row)
    is_behind = tour.close()
    """

    start: Position | None
    """Where the sweep before stopped; None where this one begins a round."""

    def __init__(self, table: Table[R]) -> None:
        """Starts the sweep's time; raises StorageContention."""
        self._table = table
        self._deadline = time.monotonic() + _BUDGET_SECONDS
        self._position = self.start = table.cursor()
        self._is_over = False

    def is_ahead(self, row: R | Unreadable) -> bool:
        """Returns whether the row follows those that the sweep before checked."""
        return self.start is None or position_of(row) > self.start

    def is_over(self) -> bool:
        """Returns whether the time is up; the row at hand is then the next sweep's."""
        self._is_over = time.monotonic() > self._deadline
        return self._is_over

    def passed(self, row: R | Unreadable) -> None:
        """Notes that a row was checked."""
        self._position = position_of(row)

    def close(self) -> bool:
        """Stores where the next sweep starts; raises StorageContention.

        Returns whether the sweep is behind: its time was up before all rows were checked.
        """
        position = self._position if self._is_over else None
        if position != self.start:
            self._table.move_cursor(position)
        if self._is_over:
            logger.warning("sweep is behind", position=position and position.updated_at)
        return self._is_over
