"""Virtual time: an event loop that leaps to its next deadline, and the clocks that hang on it.

Nothing here waits. A day in which nothing happens costs nothing, and the same script gives the
same run to the microsecond.
"""

from __future__ import annotations

import asyncio
import queue
import selectors
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, TypeVarTuple

from devices.clock import Stamp

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Coroutine
    from contextvars import Context

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WALL_MS = 1_790_000_000_000
"""UTC of the virtual second 0."""


class StalledError(Exception):
    """Nothing is ever going to happen again, though somebody still waits."""


class _NoFiles(selectors.SelectSelector):
    """No file is ever looked at, and nothing is waited for."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing has come."""
        del timeout
        return []


class _InlineExecutor(ThreadPoolExecutor):
    """Does at once, in the only thread there is, what would go to another."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call `fn`; the future is done when this returns."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as exc:  # noqa: BLE001 - handed to whoever asks
            future.set_exception(exc)
        return future


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose time is the sum of what it would have waited for.

    It keeps its own heap of timers, and hands asyncio what is due when nothing else is left to do:
    of equal moments the one that was asked for first comes first.
    """

    def __init__(self) -> None:
        super().__init__(_NoFiles())
        self.set_default_executor(_InlineExecutor(1))
        self._now_s = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._asked = 0
        self._context = copy_context()  # nothing here has one of its own

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._now_s

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call `callback` when it is `when`."""
        handle = asyncio.TimerHandle(when, callback, args, self, context or self._context)
        self._asked += 1
        heappush(self._timers, (when, self._asked, handle))
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call `callback` in `delay` seconds."""
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It stays in the heap until its time has come."""

    def _run_once(self) -> None:
        """Do what there is to do, or leap to the next timer. Raises `StalledError`."""
        ready: deque[asyncio.Handle] = self._ready  # type: ignore[attr-defined]
        if not ready:
            self._leap(ready)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001 - this is asyncio's own loop

    def _leap(self, ready: deque[asyncio.Handle]) -> None:
        timers = self._timers
        while not ready:
            if not timers:
                raise StalledError("nothing is going to happen any more")
            when, _, handle = heappop(timers)
            if handle.cancelled():
                continue
            self._now_s = max(self._now_s, when)
            ready.append(handle)
            while timers and timers[0][0] <= self._now_s:
                ready.append(heappop(timers)[2])


class OneThreadQueue(queue.Queue[T]):
    """A queue that is never waited for, and that nobody else uses meanwhile: without locks."""

    def get(self, block: bool = True, timeout: float | None = None) -> T:  # noqa: FBT001, FBT002 - the queue's own signature
        """The next item. Raises `queue.Empty` at once."""
        del block, timeout
        if not self.queue:
            raise queue.Empty
        item: T = self.queue.popleft()
        return item

    def put_nowait(self, item: T) -> None:
        """Take an item. Raises `queue.Full`."""
        if len(self.queue) >= self.maxsize:
            raise queue.Full
        self.queue.append(item)


class HubClock:
    """The hub's clock: right, as a hub with a time server is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def wall_ms(self) -> int:
        """UTC epoch milliseconds."""
        return WALL_MS + round(self._loop.time() * 1000)

    def mono_s(self) -> float:
        """Virtual seconds."""
        return self._loop.time()


class LaneClock:
    """One lane computer's clocks: they drift, jump, and begin in 1970 where the battery is flat."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, drift_ppm: int) -> None:
        self._loop = loop
        self._rate = 1.0 + drift_ppm * 1e-6
        self._said: tuple[float, Stamp] | None = None
        self._booted_s = -1_000.0
        self._wall_offset_ms = 0
        self.asleep_until_s = 0.0

    def now(self) -> Stamp:
        """The present moment as this computer has it."""
        now_s = self._loop.time()
        if self._said is not None and self._said[0] == now_s:
            return self._said[1]
        elapsed_s = now_s * self._rate
        stamp = Stamp(
            elapsed_s - self._booted_s, WALL_MS + self._wall_offset_ms + round(elapsed_s * 1000)
        )
        self._said = now_s, stamp
        return stamp

    def sleep(self, duration_s: float) -> None:
        """The thread that asked does nothing for `duration_s`: whoever turns it looks here."""
        self.asleep_until_s = self._loop.time() + duration_s

    @property
    def is_right(self) -> bool:
        """Whether its wall clock shows the time, but for its drift."""
        return self._wall_offset_ms == 0

    def jump(self, by_ms: int) -> None:
        """Somebody or something sets the wall clock."""
        self._wall_offset_ms += by_ms
        self._said = None

    def set_right(self) -> None:
        """A time server is found."""
        self._wall_offset_ms = 0
        self._said = None

    def boot(self, *, in_1970: bool) -> None:
        """The computer starts: the monotonic clock begins anew."""
        elapsed_s = self._loop.time() * self._rate
        self._booted_s = elapsed_s - 20.0
        self._said = None
        if in_1970:
            self._wall_offset_ms = -WALL_MS - round(elapsed_s * 1000)


def run(loop: VirtualLoop, main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of virtual time, which is closed then."""
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()
