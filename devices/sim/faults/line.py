"""A line between a simulated device and its driver that may be set or wired wrongly."""

from __future__ import annotations

import random
from enum import StrEnum
from typing import TYPE_CHECKING

from devices.sim.faults.uart import Framing, heard
from devices.sim.pty_host import PtyHost

if TYPE_CHECKING:
    from devices.sim.line_host import LineHost


class LineFault(StrEnum):
    """What is wrong with a serial line, settable while it runs."""

    NONE = "none"
    SLOWER = "slower"  # the device sends at half the baud rate that the driver expects
    FASTER = "faster"  # at twice that rate
    PARITY = "parity"  # the device sends 7 bits with even parity, the driver expects 8 without
    SWAPPED = "swapped"  # the two data wires of the pair are exchanged
    DEAF = "deaf"  # the pair towards the device is broken: it does not hear what it is asked
    CHOPPED = "chopped"  # its bytes come in pieces cut anywhere, the end of one with the next


KEEPS_BACK = 0.5

_FACTOR = {LineFault.SLOWER: (1, 2), LineFault.FASTER: (2, 1)}


class FaultyLine:
    """The line `inner` with a fault. Fulfills `devices.sim.line_host.LineHost`."""

    def __init__(self, inner: LineHost, *, baud: int, sends_on: bool = False) -> None:
        """`sends_on`: the device sends without being asked, so another packet always follows."""
        self._inner = inner
        self._baud = baud
        self._sends_on = sends_on
        self.fault = LineFault.NONE
        self._chance = random.Random(0)
        self._kept = b""  # of what is chopped: comes with the next

    @property
    def is_plugged(self) -> bool:
        """As the inner line."""
        return self._inner.is_plugged

    def plug(self) -> None:
        """As the inner line."""
        self._inner.plug()

    def unplug(self) -> None:
        """As the inner line."""
        self._inner.unplug()

    def write(self, payload: bytes) -> None:
        """Send what the driver will hear of `payload`."""
        if self.fault is LineFault.CHOPPED:
            self._chop(payload)
            return
        kept, self._kept = self._kept, b""
        self._inner.write(kept + self._damaged(payload, to_driver=True))

    def read(self, timeout_s: float) -> bytes:
        """What the device hears of what the driver sent."""
        asked = self._inner.read(timeout_s)
        return self._damaged(asked, to_driver=False) if asked else asked

    def _chop(self, payload: bytes) -> None:
        """Send it cut at any place; of every other one the end waits for the next, or a moment."""
        payload, self._kept = self._kept + payload, b""
        at, end = sorted(self._chance.randrange(len(payload) + 1) for _ in range(2))
        pieces = [payload[:at], payload[at:end], payload[end:]]
        if self._sends_on and self._chance.random() < KEEPS_BACK:
            self._kept = pieces.pop()
        for piece in filter(None, pieces):
            self._inner.write(piece)

    def _damaged(self, payload: bytes, *, to_driver: bool) -> bytes:
        if self.fault is LineFault.DEAF and not to_driver:
            return b""
        device, driver = self._device(), Framing(baud=self._driver_baud())
        is_swapped = self.fault is LineFault.SWAPPED
        if device == driver and not is_swapped:
            return payload
        sent, read = (device, driver) if to_driver else (driver, device)
        return heard(payload, sent=sent, read=read, swapped=is_swapped)

    def _device(self) -> Framing:
        """How the device is set."""
        if self.fault is LineFault.PARITY:
            return Framing(baud=self._baud, data_bits=7, even_parity=True)
        times, parts = _FACTOR.get(self.fault, (1, 1))
        return Framing(baud=self._baud * times // parts)

    def _driver_baud(self) -> int:
        """How the driver has opened the line; on TCP a converter does that, rightly."""
        reader_baud = self._inner.reader_baud if isinstance(self._inner, PtyHost) else None
        return reader_baud or self._baud
