"""The bounded pool of workers that every function of the engine shares.

An execution environment that LocalStack asks for is only a name here: each call leases a worker for
as long as it runs. A call

1. takes an idle worker of its own function version, the one its environment used last if possible;
2. else starts one, while fewer than `limit` exist;
3. else replaces the worker of another function that has been idle for longest;
4. else waits its turn.

Turns are first come, first served, with three exceptions, because starting a worker costs several
times what most calls take:

- A worker that becomes free serves calls of its own function first.
- A call whose function has a worker at work on every core waits for one of them: more workers would
  only slow each other down.
- A call whose function has any worker at work waits for it rather than replace another function's.

All three end when a call has seen none of its function's workers become free for
`patience_seconds`: then the calls are slow, and one more worker helps. What a burst started is
ended again: a worker that was idle for `surplus_seconds` while its function has another one.

No deadlock: a function that calls another one holds its worker while it waits. Such a nested call
names its caller (`caller`), and may exceed the limit, one call at a time per caller. So of any set
of waiting calls the innermost ones always run, and the excess is at most one worker for each worker
that waits for a nested call. A chain that hides its caller (plain HTTP, without the tracing header)
is ended by the functions' own timeouts.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

PATIENCE_SECONDS = 0.5
SURPLUS_SECONDS = 5.0


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


@dataclass(slots=True, eq=False)
class _Call[W: PooledWorker]:
    """A call, from its place in line to the end of its lease."""

    demand: Demand
    patient_until: float
    """On the monotonic clock; put off whenever a worker of its function becomes free."""
    granted: threading.Event = field(default_factory=threading.Event)
    """Set once it has its turn, or never will: the pool is closed."""
    worker: W | None = None
    replaces: W | None = None
    """The idle worker whose place it has, and which ends before its own starts."""
    is_excess: bool = False
    """Whether it exceeded the limit, as a nested call."""
    is_doomed: bool = False
    """Whether its environment or version was stopped meanwhile."""


@dataclass(slots=True, eq=False)
class _Idle[W: PooledWorker]:
    """A worker without a call, the demand that it served last, and since when it is idle."""

    demand: Demand
    worker: W
    since: float


class WorkerPool[W: PooledWorker]:
    """Leases workers to calls; safe to use from any thread."""

    def __init__(
        self,
        limit: int,
        *,
        cores: int | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        surplus_seconds: float = SURPLUS_SECONDS,
    ) -> None:
        """`cores` are the machine's unless given."""
        self._limit = limit
        self._cores = cores or os.cpu_count() or 1
        self._patience_seconds = patience_seconds
        self._surplus_seconds = surplus_seconds
        self._lock = threading.Lock()
        self._is_closed = False
        self._line: list[_Call[W]] = []
        self._leased: dict[str, _Call[W]] = {}
        # The longest idle first.
        self._idle: list[_Idle[W]] = []
        self._discarded: list[W] = []
        self._is_surplus_watched = False

    @contextmanager
    def lease(self, demand: Demand, start: Callable[[], W]) -> Iterator[W]:
        """Lends a worker, an idle one or one from `start()`, which may raise.

        The worker returns to the pool if it is still alive, and is retired where an exception
        leaves the block. Raises PoolClosed.
        """
        call = self._wait_for_turn(demand)
        try:
            if call.replaces is not None:
                call.replaces.retire()
            if call.worker is None:
                call.worker = start()
            if self._is_closed:  # `close` may have come too early to see this worker.
                call.worker.interrupt()
            yield call.worker
        except BaseException:
            call.is_doomed = True
            raise
        finally:
            self._release(call)

    def retire_environment(self, environment_id: str) -> None:
        """Ends the worker that an execution environment used last, after its call if it has one."""
        self._retire(lambda demand: demand.environment_id == environment_id)

    def retire_version(self, version_key: str) -> None:
        """Ends a function version's workers, each after its call if it has one."""
        self._retire(lambda demand: demand.version_key == version_key)

    def close(self) -> None:
        """Ends all workers at once, calls in progress included, and lets no more calls in."""
        with self._locked():
            self._is_closed = True
            self._discard_idle(lambda _: True)
            for call in self._leased.values():
                if call.worker is not None:
                    call.worker.interrupt()
            for call in self._line:
                call.granted.set()
            self._line.clear()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the lock, and afterwards ends the workers that were discarded."""
        with self._lock:
            yield
            discarded, self._discarded = self._discarded, []
        for worker in discarded:
            worker.retire()

    def _retire(self, concerns: Callable[[Demand], bool]) -> None:
        with self._locked():
            self._discard_idle(lambda idle: concerns(idle.demand))
            for call in self._leased.values():
                call.is_doomed = call.is_doomed or concerns(call.demand)
            self._serve_line()

    def _wait_for_turn(self, demand: Demand) -> _Call[W]:
        call = _Call[W](demand, time.monotonic() + self._patience_seconds)
        with self._locked():
            if self._is_closed:
                raise PoolClosed
            self._line.append(call)
            self._serve_line()
        while not call.granted.wait(self._patience_seconds):
            with self._locked():
                self._serve_line()  # Patience runs out unannounced.
        if demand.call_id not in self._leased:
            raise PoolClosed
        return call

    def _release(self, call: _Call[W]) -> None:
        with self._locked():
            del self._leased[call.demand.call_id]
            if call.worker is not None:
                is_unfit = call.is_doomed or self._is_closed or not call.worker.is_alive()
                if is_unfit or self._size() >= self._limit:
                    self._discarded.append(call.worker)
                else:
                    self._idle.append(_Idle(call.demand, call.worker, time.monotonic()))
            self._watch_surplus()
            self._renew_patience(call.demand.version_key)
            self._serve_line()

    def _serve_line(self) -> None:
        """Gives workers, or places to start one, to as many calls as possible. The lock is held."""
        now = time.monotonic()
        overdue = [call for call in self._line if call.patient_until <= now]
        # Nobody overtakes a call that has waited long enough.
        self._serve(overdue, lambda call: call.patient_until <= now and self._take_overdue(call))
        self._serve(self._line, self._take_idle)
        self._serve(self._line, lambda call: self._take_place(call, is_overdue=False))
        for call in list(self._line):
            caller = call.demand.caller
            if caller in self._leased and not self._has_excess(caller):
                call.is_excess = True
                self._grant(call)

    def _serve(self, calls: list[_Call[W]], take: Callable[[_Call[W]], bool]) -> None:
        in_vain: set[str] = set()
        for call in list(calls):
            # What the first call of a function cannot have, none behind it can.
            if call.demand.version_key not in in_vain:
                if take(call):
                    self._grant(call)
                else:
                    in_vain.add(call.demand.version_key)

    def _grant(self, call: _Call[W]) -> None:
        self._line.remove(call)
        self._leased[call.demand.call_id] = call
        call.granted.set()

    def _renew_patience(self, version_key: str) -> None:
        """Lets the calls of a function wait anew: there is a worker more, or one became free."""
        for waiting in self._line:
            if waiting.demand.version_key == version_key:
                waiting.patient_until = time.monotonic() + self._patience_seconds

    def _take_overdue(self, call: _Call[W]) -> bool:
        """Takes a worker or a place, which may help the function's other calls too: they wait."""
        is_taken = self._take_idle(call) or self._take_place(call, is_overdue=True)
        if is_taken:
            self._renew_patience(call.demand.version_key)
        return is_taken

    def _take_place(self, call: _Call[W], *, is_overdue: bool) -> bool:
        """Takes a place to start a worker in, an idle worker's of another function if need be."""
        version_key = call.demand.version_key
        at_work = sum(other.demand.version_key == version_key for other in self._leased.values())
        if at_work >= self._cores and not is_overdue:
            return False
        if self._size() < self._limit:
            return True
        if not self._idle or (at_work and not is_overdue):
            return False
        call.replaces = self._idle.pop(0).worker
        return True

    def _take_idle(self, call: _Call[W]) -> bool:
        """Takes an idle worker for a call, and drops those that can serve none any more."""
        wanted = call.demand
        self._discard_idle(
            lambda idle: (
                idle.demand.version_key == wanted.version_key
                and (idle.demand.generation != wanted.generation or not idle.worker.is_alive())
            )
        )
        candidates = [i for i in self._idle if i.demand.version_key == wanted.version_key]
        if not candidates:
            return False
        own = (i for i in candidates if i.demand.environment_id == wanted.environment_id)
        chosen = next(own, candidates[-1])
        self._idle.remove(chosen)
        call.worker = chosen.worker
        return True

    def _watch_surplus(self) -> None:
        """Looks for surplus workers until there are none. The lock is held."""
        if not self._is_surplus_watched and any(map(self._is_surplus, self._idle)):
            self._is_surplus_watched = True
            timer = threading.Timer(self._surplus_seconds, self._end_surplus)
            timer.daemon = True
            timer.start()

    def _end_surplus(self) -> None:
        """Ends the workers that have been surplus for long, and goes on watching the others."""
        with self._locked():
            self._is_surplus_watched = False
            long_ago = time.monotonic() - self._surplus_seconds
            for idle in list(self._idle):
                if idle.since <= long_ago and self._is_surplus(idle):
                    self._discard(idle)
            self._watch_surplus()

    def _is_surplus(self, idle: _Idle[W]) -> bool:
        """Tells whether its function has another worker."""
        demands = [call.demand for call in self._leased.values()]
        demands += [other.demand for other in self._idle if other is not idle]
        return any(demand.version_key == idle.demand.version_key for demand in demands)

    def _discard_idle(self, concerns: Callable[[_Idle[W]], bool]) -> None:
        for idle in [idle for idle in self._idle if concerns(idle)]:
            self._discard(idle)

    def _discard(self, idle: _Idle[W]) -> None:
        self._idle.remove(idle)
        self._discarded.append(idle.worker)

    def _size(self) -> int:
        return len(self._idle) + len(self._leased)

    def _has_excess(self, caller: str) -> bool:
        return any(
            call.is_excess and call.demand.caller == caller for call in self._leased.values()
        )
