"""The bounded pool of workers that every function of the engine shares.

An execution environment that LocalStack asks for is only a name here: each call leases a worker for
as long as it runs. A call

1. takes an idle worker of its own function version, the one its environment used last if possible;
2. else starts one, while fewer than `limit` exist;
3. else replaces the worker of another function that has been idle for longest;
4. else waits its turn.

Turns are first come, first served, with two exceptions, because starting a worker costs several
times what most calls take. A worker that becomes free serves calls of its own function first. A
call whose function has a worker at work waits for that one rather than replace another function's.
Both exceptions end when a call has seen none of its function's workers become free for
`patience_seconds`: then the calls are slow, and more workers help.

No deadlock: a function that calls another one holds its worker while it waits. Such a nested call
names its caller (`caller`), and may exceed the limit, one call at a time per caller. So of any set
of waiting calls the innermost ones always run, and the excess is at most one worker for each worker
that waits for a nested call. A chain that hides its caller (plain HTTP, without the tracing header)
is ended by the functions' own timeouts.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

PATIENCE_SECONDS = 0.25


class PooledWorker(Protocol):
    """What the pool needs to know of a worker."""

    def is_alive(self) -> bool:
        """Says whether it can take another call."""

    def retire(self) -> None:
        """Ends it while no call uses it; repeatable."""

    def interrupt(self) -> None:
        """Has the call that uses it end at once; callable from any thread."""


class PoolClosed(Exception):
    """The engine is stopping, so no call gets a worker any more."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a call asks the pool for."""

    call_id: str
    """Unique; nested calls name it as their `caller`."""
    version_key: str
    """The function version: workers serve only one."""
    environment_id: str
    """The execution environment, which gets its last worker again if possible."""
    generation: str = ""
    """The state of the code; an idle worker of another generation is retired."""
    caller: str | None = None
    """The `call_id` of the call inside which this one is made, if known."""


@dataclass(slots=True)
class _Slot[W: PooledWorker]:
    """A place in the pool: a worker, or the right to start one."""

    version_key: str
    generation: str
    environment_id: str
    worker: W | None = None
    replaces: W | None = None
    """The idle worker whose place it is, and which ends before this one starts."""
    is_doomed: bool = False
    """Whether its environment or version was stopped while it was leased."""
    excess_for: str | None = None
    """The caller for whose nested call it exceeded the limit."""


@dataclass(slots=True)
class _Ticket[W: PooledWorker]:
    """A call in line. `granted` is set once it has a slot, or never will: the pool is closed."""

    demand: Demand
    patient_until: float
    """On the monotonic clock; put off whenever a worker of its function becomes free."""
    slot: _Slot[W] | None = None
    granted: threading.Event = field(default_factory=threading.Event)


class WorkerPool[W: PooledWorker]:
    """Leases workers to calls; safe to use from any thread."""

    def __init__(self, limit: int, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._limit = limit
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._is_closed = False
        self._line: list[_Ticket[W]] = []
        self._leased: dict[str, _Slot[W]] = {}
        # The longest idle first.
        self._idle: list[_Slot[W]] = []
        # Out of the pool, but their processes have yet to be ended: done outside the lock.
        self._discarded: list[W] = []

    @contextmanager
    def lease(self, demand: Demand, start: Callable[[], W]) -> Iterator[W]:
        """Lends a worker, an idle one or one from `start()`, which may raise.

        The worker returns to the pool if it is still alive, and is retired where an exception
        leaves the block. Raises PoolClosed.
        """
        slot = self._acquire(demand)
        try:
            yield self._worker_of(slot, start)
        except BaseException:
            slot.is_doomed = True
            raise
        finally:
            self._release(demand, slot)

    def retire_environment(self, environment_id: str) -> None:
        """Ends the worker that an execution environment used last, after its call if it has one."""
        self._retire(lambda slot: slot.environment_id == environment_id)

    def retire_version(self, version_key: str) -> None:
        """Ends a function version's workers, each after its call if it has one."""
        self._retire(lambda slot: slot.version_key == version_key)

    def close(self) -> None:
        """Ends all workers at once, calls in progress included, and lets no more calls in."""
        with self._lock:
            self._is_closed = True
            for slot in list(self._idle):
                self._discard(slot)
            for slot in self._leased.values():
                if slot.worker is not None:
                    slot.worker.interrupt()
            for ticket in self._line:
                ticket.granted.set()
            self._line.clear()
        self._end_discarded()

    def _retire(self, concerns: Callable[[_Slot[W]], bool]) -> None:
        with self._lock:
            for slot in filter(concerns, list(self._idle)):
                self._discard(slot)
            for slot in filter(concerns, self._leased.values()):
                slot.is_doomed = True
            self._serve_line()
        self._end_discarded()

    def _acquire(self, demand: Demand) -> _Slot[W]:
        ticket = _Ticket[W](demand, time.monotonic() + self._patience_seconds)
        with self._lock:
            if self._is_closed:
                raise PoolClosed
            self._line.append(ticket)
            self._serve_line()
        self._end_discarded()
        while not ticket.granted.wait(self._patience_seconds):
            with self._lock:
                self._serve_line()  # Patience runs out unannounced.
            self._end_discarded()
        if ticket.slot is None:
            raise PoolClosed
        return ticket.slot

    def _worker_of(self, slot: _Slot[W], start: Callable[[], W]) -> W:
        if slot.replaces is not None:
            slot.replaces.retire()
        if slot.worker is None:
            slot.worker = start()
        if self._is_closed:  # Too late for `close` to have seen this worker.
            raise PoolClosed
        return slot.worker

    def _release(self, demand: Demand, slot: _Slot[W]) -> None:
        with self._lock:
            del self._leased[demand.call_id]
            if slot.worker is not None:
                is_excess = self._size() >= self._limit
                is_unfit = slot.is_doomed or self._is_closed or not slot.worker.is_alive()
                if is_excess or is_unfit:
                    self._discarded.append(slot.worker)
                else:
                    slot.replaces = slot.excess_for = None
                    self._idle.append(slot)
            for ticket in self._line:
                if ticket.demand.version_key == demand.version_key:
                    ticket.patient_until = time.monotonic() + self._patience_seconds
            self._serve_line()
        self._end_discarded()

    def _serve_line(self) -> None:
        """Gives slots to as many calls in line as possible. The lock is held."""
        now = time.monotonic()
        overdue = [ticket for ticket in self._line if ticket.patient_until <= now]
        # Nobody overtakes a call that has waited long enough.
        self._serve(overdue, lambda call: self._take_idle(call) or self._take_place(call, True))
        self._serve(self._line, self._take_idle)
        self._serve(self._line, lambda call: self._take_place(call, False))
        for ticket in list(self._line):
            caller = ticket.demand.caller
            if caller in self._leased and not self._has_excess(caller):
                self._grant(ticket, self._new_slot(ticket.demand, excess_for=caller))

    def _serve(
        self, tickets: list[_Ticket[W]], find_slot: Callable[[Demand], _Slot[W] | None]
    ) -> None:
        in_vain: set[str] = set()
        for ticket in list(tickets):
            # What the first call of a function cannot have, none behind it can.
            if ticket.slot is None and ticket.demand.version_key not in in_vain:
                slot = find_slot(ticket.demand)
                if slot is None:
                    in_vain.add(ticket.demand.version_key)
                else:
                    self._grant(ticket, slot)

    def _grant(self, ticket: _Ticket[W], slot: _Slot[W]) -> None:
        self._line.remove(ticket)
        slot.environment_id = ticket.demand.environment_id
        self._leased[ticket.demand.call_id] = slot
        ticket.slot = slot
        ticket.granted.set()

    def _take_place(self, demand: Demand, is_overdue: bool) -> _Slot[W] | None:
        """Takes a place to start a worker in, an idle worker's of another function if need be."""
        if self._size() < self._limit:
            return self._new_slot(demand)
        at_work = any(slot.version_key == demand.version_key for slot in self._leased.values())
        if not self._idle or (at_work and not is_overdue):
            return None
        return self._new_slot(demand, replaces=self._idle.pop(0).worker)

    def _new_slot(
        self, demand: Demand, *, replaces: W | None = None, excess_for: str | None = None
    ) -> _Slot[W]:
        return _Slot(
            demand.version_key,
            demand.generation,
            demand.environment_id,
            replaces=replaces,
            excess_for=excess_for,
        )

    def _take_idle(self, demand: Demand) -> _Slot[W] | None:
        """Takes an idle worker for a call, and drops those that can serve none any more."""
        candidates = []
        for slot in [slot for slot in self._idle if slot.version_key == demand.version_key]:
            assert slot.worker is not None
            if slot.generation != demand.generation or not slot.worker.is_alive():
                self._discard(slot)
            else:
                candidates.append(slot)
        if not candidates:
            return None
        own = (slot for slot in candidates if slot.environment_id == demand.environment_id)
        slot = next(own, candidates[-1])
        self._idle.remove(slot)
        return slot

    def _discard(self, slot: _Slot[W]) -> None:
        self._idle.remove(slot)
        assert slot.worker is not None
        self._discarded.append(slot.worker)

    def _end_discarded(self) -> None:
        with self._lock:
            workers, self._discarded = self._discarded, []
        for worker in workers:
            worker.retire()

    def _size(self) -> int:
        return len(self._idle) + len(self._leased)

    def _has_excess(self, caller: str) -> bool:
        return any(slot.excess_for == caller for slot in self._leased.values())
