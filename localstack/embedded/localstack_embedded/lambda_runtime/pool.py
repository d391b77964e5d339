"""The bounded pool of workers that every function of the engine shares.

An execution environment that LocalStack asks for is only a name here: each call leases a worker for
as long as it runs. A call that finds none

1. takes an idle worker of its own function version, the one its environment used last if possible;
2. else starts one, while fewer than `limit` exist;
3. else has an idle worker of another function replaced;
4. else waits its turn.

Turns are first come, first served, but starting a worker costs half a second of CPU, where most
calls take ten milliseconds. So a busy pool is kept from spending its time on that:

- No more workers are starting at the same time than the machine has cores; more would only slow
  each other down, and the first to be ready often serves all the calls that wait.
- A function that has a worker at work on every core waits for one of them, and one that has any
  does so rather than replace another function's; a worker that becomes free may serve later calls
  of its own function first. All that until a call has seen none of its own function's workers
  become free for `patience_seconds`: then the calls are slow, and more workers do help.
- The worker that is replaced comes from a function that has others left, where there is one.

No deadlock: a function that calls another one holds its worker while it waits. Such a nested call
names its caller (`caller`), and may exceed the limit, one call at a time per caller. So of any set
of waiting calls the innermost ones always run, and the excess is at most one worker for each worker
that waits for a nested call. A chain that hides its caller (plain HTTP, without the tracing header)
is ended by the functions' own timeouts.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

PATIENCE_SECONDS = 0.5
_LOOK_SECONDS = 0.05


class PooledWorker(Protocol):
    """What the pool needs to know of a worker."""

    def is_alive(self) -> bool:
        """Says whether it can take another call."""

    def is_started(self) -> bool:
        """Says whether it is past its start: it has taken a call, or could."""

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

    def __init__(
        self,
        limit: int,
        *,
        cores: int | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`cores` are the machine's unless given."""
        self._limit = limit
        self._cores = cores or os.cpu_count() or 1
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._is_closed = False
        self._is_watched = False
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
            if self._line and not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, name="lambda-line", daemon=True).start()
        self._end_discarded()
        ticket.granted.wait()
        if ticket.slot is None:
            raise PoolClosed
        return ticket.slot

    def _watch(self) -> None:
        """Looks at the line while there is one: patience runs out and starts end unannounced.

        One thread for all calls in line: each of them looking for itself would keep the engine
        from the very work that they wait for.
        """
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                self._serve_line()
                self._is_watched = is_needed = bool(self._line)
            self._end_discarded()
            if not is_needed:
                return

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
        while (grantable := self._find_grantable()) is not None:
            self._grant(*grantable)
        for ticket in list(self._line):
            caller = ticket.demand.caller
            if caller in self._leased and not self._has_excess(caller):
                self._grant(ticket, self._new_slot(ticket.demand, excess_for=caller))

    def _find_grantable(self) -> "tuple[_Ticket[W], _Slot[W]] | None":
        heads = self._first_in_line()
        may_start = self._starting() < self._cores
        now = time.monotonic()
        # Nobody overtakes a call that has waited long enough.
        for ticket in heads:
            if ticket.patient_until <= now:
                slot = self._take_idle(ticket.demand)
                if slot is None and may_start:
                    slot = self._find_place(ticket.demand, is_overdue=True)
                if slot is not None:
                    return ticket, slot
        for ticket in heads:
            if (slot := self._take_idle(ticket.demand)) is not None:
                return ticket, slot
        if may_start:
            for ticket in heads:
                if (slot := self._find_place(ticket.demand, is_overdue=False)) is not None:
                    return ticket, slot
        return None

    def _first_in_line(self) -> "Iterable[_Ticket[W]]":
        """Of each function the first: what it cannot have, none behind it can."""
        first: dict[str, _Ticket[W]] = {}
        for ticket in self._line:
            first.setdefault(ticket.demand.version_key, ticket)
        return first.values()

    def _grant(self, ticket: _Ticket[W], slot: _Slot[W]) -> None:
        self._line.remove(ticket)
        slot.environment_id = ticket.demand.environment_id
        self._leased[ticket.demand.call_id] = slot
        ticket.slot = slot
        ticket.granted.set()

    def _find_place(self, demand: Demand, *, is_overdue: bool) -> _Slot[W] | None:
        """Finds a place to start a worker in, an idle worker's of another function if need be."""
        at_work = self._count_at_work(demand.version_key)
        if at_work >= self._cores and not is_overdue:
            return None
        if self._size() < self._limit:
            return self._new_slot(demand)
        if not self._idle or (at_work and not is_overdue):
            return None
        return self._new_slot(demand, replaces=self._take_replaceable().worker)

    def _take_replaceable(self) -> _Slot[W]:
        """Takes the longest idle worker, of a function that has others left if there is one."""
        workers = Counter(slot.version_key for slot in (*self._idle, *self._leased.values()))
        spare = (slot for slot in self._idle if workers[slot.version_key] > 1)
        slot = next(spare, self._idle[0])
        self._idle.remove(slot)
        return slot

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

    def _starting(self) -> int:
        return sum(
            slot.worker is None or not slot.worker.is_started() for slot in self._leased.values()
        )

    def _count_at_work(self, version_key: str) -> int:
        return sum(slot.version_key == version_key for slot in self._leased.values())

    def _has_excess(self, caller: str) -> bool:
        return any(slot.excess_for == caller for slot in self._leased.values())
