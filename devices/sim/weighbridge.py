"""A simulated Yaohua indicator: the driver's codec in the other direction, on a serial line."""

from __future__ import annotations

import random
import threading
from enum import StrEnum
from typing import TYPE_CHECKING

from devices.weighbridge.codecs.yaohua import MAX_DIGITS, IndicatorFrame, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.sim.pty_host import PtyHost


class ScaleFault(StrEnum):
    """What can be wrong with the indicator. One at a time, settable while it runs."""

    NONE = "none"
    GARBLE = "garble"  # one bit of every frame flipped: no frame passes the checksum
    CUT = "cut"  # every frame ends early
    NOISE = "noise"  # random bytes before every good frame
    FREEZE = "freeze"  # the last value again and again, whatever stands on the platform
    SILENCE = "silence"  # powered off, cable in place
    OVERLOAD = "overload"  # the value lies `overload_kg` above the true one
    NEGATIVE = "negative"  # the value lies below zero, as with a lifted or broken load cell


class SimWeighbridge:
    """Sends the weight on the platform, rounded to the division, `rate_hz` times a second.

    `weight_kg` is called from this object's thread. `start` plugs the line in, `stop` leaves no
    thread, descriptor or link.
    """

    def __init__(
        self,
        host: PtyHost,
        weight_kg: Callable[[], float],
        clock: Clock,
        *,
        division_kg: int = 20,
        rate_hz: float = 25.0,
        overload_kg: int = 200_000,
        seed: int = 0,
    ) -> None:
        self._host = host
        self._weight_kg = weight_kg
        self._clock = clock
        self._division_kg = division_kg
        self._period_s = 1.0 / rate_hz
        self._overload_kg = overload_kg
        self._random = random.Random(seed)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._shown_kg = 0
        self.fault = ScaleFault.NONE
        self.sent_frames = 0

    @property
    def host(self) -> PtyHost:
        """The line: `unplug()` and `plug()` it while the indicator goes on sending."""
        return self._host

    @property
    def shown_kg(self) -> int:
        """The value last sent."""
        return self._shown_kg

    def start(self) -> None:
        """Plug in and begin to send. No effect when it runs."""
        if self._thread is not None:
            return
        self._host.plug()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="sim-weighbridge", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop sending and unplug. May be called twice."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        self._host.unplug()

    def _run(self) -> None:
        next_s = self._clock.now().mono_s
        while not self._stopping.is_set():
            if self.fault is not ScaleFault.SILENCE:
                self._host.write(self._frame_bytes())
                self.sent_frames += 1
            # A line slower than the rate sends without pause and does not fall behind.
            next_s = max(next_s + self._period_s, self._clock.now().mono_s)
            self._stopping.wait(next_s - self._clock.now().mono_s)

    def _frame_bytes(self) -> bytes:
        fault = self.fault
        if fault is not ScaleFault.FREEZE:
            self._shown_kg = self._display_kg(self._weight_kg(), fault)
        frame = bytearray(encode(IndicatorFrame(digits=self._shown_kg)))
        match fault:
            case ScaleFault.GARBLE:
                frame[self._random.randrange(len(frame))] ^= 1 << self._random.randrange(8)
            case ScaleFault.CUT:
                del frame[self._random.randrange(1, len(frame)) :]
            case ScaleFault.NOISE:
                frame[:0] = self._random.randbytes(self._random.randrange(1, 12))
            case _:
                pass
        return bytes(frame)

    def _display_kg(self, weight_kg: float, fault: ScaleFault) -> int:
        match fault:
            case ScaleFault.OVERLOAD:
                weight_kg += self._overload_kg
            case ScaleFault.NEGATIVE:
                weight_kg = -abs(weight_kg) - 10 * self._division_kg
            case _:
                pass
        rounded_kg = round(weight_kg / self._division_kg) * self._division_kg
        return max(-MAX_DIGITS, min(MAX_DIGITS, rounded_kg))
