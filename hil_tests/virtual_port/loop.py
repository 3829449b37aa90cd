"""Virtual time: an event loop that leaps to its next deadline, and the clocks that hang on it.

Nothing here waits. A day in which nothing happens costs nothing, and the same script gives the
same run to the microsecond.
"""

from __future__ import annotations

import asyncio
import selectors
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from devices.clock import Stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

P = ParamSpec("P")
T = TypeVar("T")

WALL_MS = 1_790_000_000_000
"""UTC of the virtual second 0."""


class StalledError(Exception):
    """Nothing is ever going to happen again, though somebody still waits."""


class _LeapingSelector(selectors.SelectSelector):
    """Waits for nothing: time passes at once. No file is ever looked at."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let `timeout` seconds pass."""
        if timeout is None:
            raise StalledError("nothing is going to happen any more")
        self.now_s += max(0.0, timeout)
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
    """An asyncio loop whose time is the sum of what it would have waited for."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)
        self.set_default_executor(_InlineExecutor(1))

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._leaping.now_s


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
        self._booted_s = -1_000.0
        self._wall_offset_ms = 0
        self.asleep_until_s = 0.0

    def now(self) -> Stamp:
        """The present moment as this computer has it."""
        elapsed_s = self._loop.time() * self._rate
        return Stamp(
            elapsed_s - self._booted_s, WALL_MS + self._wall_offset_ms + round(elapsed_s * 1000)
        )

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

    def set_right(self) -> None:
        """A time server is found."""
        self._wall_offset_ms = 0

    def boot(self, *, in_1970: bool) -> None:
        """The computer starts: the monotonic clock begins anew."""
        elapsed_s = self._loop.time() * self._rate
        self._booted_s = elapsed_s - 20.0
        if in_1970:
            self._wall_offset_ms = -WALL_MS - round(elapsed_s * 1000)


def run(loop: VirtualLoop, main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of virtual time, which is closed then."""
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()
