"""A serial line without hardware: a pseudo-terminal behind a stable name.

The driver opens the symbolic link as it would a serial port. What a pseudo-terminal lacks is
added: the time that bytes take at a baud rate, a plug that can be pulled, and a port that loses
what nobody has opened it for, as a UART does.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import tty
from pathlib import Path
from typing import TYPE_CHECKING

from devices.clock import SystemClock
from devices.errors import DeviceConfigError
from devices.sim.line_speed import pieces_in_time

if TYPE_CHECKING:
    from devices.clock import Clock

_BAUDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200)
}
PSEUDO_TERMINALS = "/dev/pts"
OUTPUT_SPEED = 5  # of what tcgetattr gives
READ_MAX_BYTES = 4096


class PtyHost:
    """The device's end of a simulated serial line, reached at `link_path`.

    `write` may be called from one thread while another plugs and unplugs. A `write` never blocks
    longer than the bytes take at `baud`: what nobody reads is lost.
    """

    def __init__(
        self, link_path: Path | str, *, baud: int = 9_600, clock: Clock | None = None
    ) -> None:
        self._link_path = Path(link_path)
        self._clock = clock or SystemClock()
        self._baud = baud
        self._master: int | None = None
        self._device_path: Path | None = None
        # A descriptor closed under a write may be another file's a moment later.
        self._in_use = threading.Lock()
        self.lost_bytes = 0

    @property
    def link_path(self) -> Path:
        """Where the driver finds the line."""
        return self._link_path

    @property
    def is_plugged(self) -> bool:
        """True from `plug` to `unplug`."""
        return self._master is not None

    @property
    def reader_baud(self) -> int | None:
        """The baud rate that whoever opened the line has set it to; None: not plugged, or odd."""
        master = self._master
        if master is None:
            return None
        with contextlib.suppress(OSError, termios.error):
            return _BAUDS.get(termios.tcgetattr(master)[OUTPUT_SPEED])
        return None

    def plug(self) -> None:
        """Make a new line and point the link at it. No effect when it is plugged.

        Raises:
            DeviceConfigError: a real port, or anything else that is no simulator's, is there.
        """
        with self._in_use:
            if self._master is not None:
                return
            if is_hardware(self._link_path):
                raise DeviceConfigError(
                    f"{self._link_path}: exists and is not a simulator's: left alone"
                )
            self._link_path.parent.mkdir(parents=True, exist_ok=True)
            self._master, device_path = _open_raw_pty()
            self._device_path = device_path
            draft = self._link_path.with_name(f"{self._link_path.name}.new")
            draft.unlink(missing_ok=True)
            draft.symlink_to(device_path)
            draft.replace(self._link_path)  # in one step: a driver never sees it missing

    def unplug(self) -> None:
        """Pull the cable: the driver's open port dies, the link is gone. May be called twice."""
        with self._in_use:
            master, self._master = self._master, None
            if master is None:
                return
            # First the name: the number of a closed pseudo-terminal may become another's.
            if self._is_ours():
                self._link_path.unlink(missing_ok=True)
            os.close(master)

    def _is_ours(self) -> bool:
        """Whether the name still leads here: udev gives it to a converter that is plugged in."""
        with contextlib.suppress(OSError):
            return self._link_path.readlink() == self._device_path
        return False

    def write(self, payload: bytes) -> None:
        """Send `payload` at the line's speed; bytes that nobody can receive are lost."""
        for piece in pieces_in_time(payload, baud=self._baud, clock=self._clock):
            with self._in_use:
                self.lost_bytes += len(piece) - self._put(piece)

    def read(self, timeout_s: float) -> bytes:
        """What the driver sent, after at most `timeout_s`; b"" when it sent nothing."""
        master = self._master
        if master is None or not self._waits_for_input(master, timeout_s):
            return b""
        with self._in_use:
            if self._master != master:
                return b""
            with contextlib.suppress(OSError):  # nothing there after all, or nobody any more
                return os.read(master, READ_MAX_BYTES)
        return b""

    def _waits_for_input(self, master: int, timeout_s: float) -> bool:
        """Whether bytes came within `timeout_s`. A line that nobody has open says nothing."""
        poller = select.poll()
        poller.register(master, select.POLLIN)
        events = poller.poll(timeout_s * 1_000)
        if any(event & select.POLLIN for _, event in events):
            return True
        if events:  # hung up: poll answers at once, and would go on doing so
            self._clock.sleep(timeout_s)
        return False

    def _put(self, piece: bytes) -> int:
        """How many bytes the line took, without waiting."""
        if self._master is None or not _has_listener(self._master):
            return 0
        with contextlib.suppress(BlockingIOError):
            return os.write(self._master, piece)
        return 0


def is_hardware(path: Path) -> bool:
    """Whether something stands there that is no simulator's: no link to a pseudo-terminal.

    A name of udev's is a link, too, as the bench's are; what counts is where it leads.
    """
    if path.is_symlink():
        return not path.resolve().is_relative_to(PSEUDO_TERMINALS)
    return path.exists()


def _open_raw_pty() -> tuple[int, Path]:
    """A non-blocking master whose slave is raw and closed; and the slave's path."""
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        device_path = Path(os.ttyname(slave))
    finally:
        os.close(slave)  # once opened and closed, the master can tell whether anybody listens
    os.set_blocking(master, False)
    return master, device_path


def _has_listener(master: int) -> bool:
    poller = select.poll()
    poller.register(master, 0)
    return not any(event & select.POLLHUP for _, event in poller.poll(0))
