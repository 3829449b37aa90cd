"""A tap on a wire: stands between a driver and its device, passes every byte on, and writes a tape.

The driver opens the tap's end where it would open the device's. A cable that is pulled behind the
tap is felt before it: the tap's own end goes away with it and comes back with it.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from devices.bench.tape import TapeHead, TapeWriter
from devices.errors import DeviceConfigError, LinkDown
from devices.sim.line_host import line_host
from devices.transports.opening import open_transport
from devices.transports.tcp import SCHEME

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.config import DevicesConfig
    from devices.link import Transport

Taped = Literal["weighbridge", "card_reader", "bus"]
TAPED: tuple[Taped, ...] = ("weighbridge", "card_reader", "bus")
TURN_S = 0.02
RETRY_S = 0.2
READ_MAX_BYTES = 4096
NO_BAUD = 4_000_000  # the device's own line has set the pace already


def place_of(config: DevicesConfig, device: Taped) -> tuple[str, int]:
    """Where the device of a lane file is, as a transport spells it, and its baud rate."""
    if device == "bus":
        bus = config.bus
        if bus.transport == "tcp":
            return f"{SCHEME}{bus.host}:{bus.tcp_port}", bus.baud
        return bus.serial_port, bus.baud
    keys = config.weighbridge if device == "weighbridge" else config.card_reader
    return keys.port, keys.baud


def moved(config: DevicesConfig, device: Taped, place: str) -> DevicesConfig:
    """The same lane with one device at another place of the same kind."""
    if device == "weighbridge":
        keys = msgspec.structs.replace(config.weighbridge, port=place)
        return msgspec.structs.replace(config, weighbridge=keys)
    if device == "card_reader":
        return msgspec.structs.replace(
            config, card_reader=msgspec.structs.replace(config.card_reader, port=place)
        )
    bus = msgspec.structs.replace(config.bus, serial_port=place)
    if config.bus.transport == "tcp":
        host, _, port = place.removeprefix(SCHEME).rpartition(":")
        bus = msgspec.structs.replace(config.bus, host=host, tcp_port=int(port))
    return msgspec.structs.replace(config, bus=bus)


def head_of(config: DevicesConfig, device: Taped, clock: Clock) -> TapeHead:
    """What the first line of a tape of this device says."""
    place, baud = place_of(config, device)
    is_tcp = place.startswith(SCHEME)
    wire: Literal["serial", "tcp", "modbus-tcp"] = "tcp" if is_tcp else "serial"
    driver = {"weighbridge": config.weighbridge.driver, "card_reader": config.card_reader.driver}
    return TapeHead(
        device=device,
        driver=driver.get(device, f"modbus-{config.bus.transport}"),
        place=place,
        baud=baud,
        wire="modbus-tcp" if is_tcp and device == "bus" else wire,
        began=datetime.fromtimestamp(clock.now().wall_ms / 1000, UTC).isoformat(timespec="seconds"),
    )


class Tap:
    """Passes bytes between `near`, which a driver opens, and the device. Two threads."""

    def __init__(
        self, config: DevicesConfig, device: Taped, near: str, tape: TapeWriter, clock: Clock
    ) -> None:
        """Raises `DeviceConfigError` for a device whose wire is not one of bytes."""
        self._far_place, self._baud = place_of(config, device)
        if not self._far_place.startswith(("/", SCHEME, ".")):
            raise DeviceConfigError(f"{device}: {self._far_place} is no wire that can be tapped")
        self._near = line_host(device, near, baud=NO_BAUD, clock=clock)
        self._tape = tape
        self._clock = clock
        self._far: Transport | None = None
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._from_device, name=f"tap-{device}", daemon=True),
            threading.Thread(target=self._to_device, name=f"tap-{device}-out", daemon=True),
        ]

    def __enter__(self) -> Tap:
        """Open the device. Raises `LinkDown` when it is not there."""
        self._far = open_transport(self._far_place, self._baud)
        self._near.plug()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stopping.set()
        self._near.unplug()
        self._let_go()
        for thread in self._threads:
            thread.join()

    def _from_device(self) -> None:
        while not self._stopping.is_set():
            far = self._far
            if far is None:
                self._try_again()
                continue
            try:
                payload = far.read(READ_MAX_BYTES, TURN_S)
            except LinkDown:
                self._near.unplug()
                self._let_go()
                continue
            if payload:
                self._tape.note("<", payload)
                self._near.write(payload)

    def _to_device(self) -> None:
        while not self._stopping.is_set():
            payload = self._near.read(TURN_S)
            far = self._far
            if payload and far is not None:
                self._tape.note(">", payload)
                with contextlib.suppress(LinkDown):  # the other thread sees it too
                    far.write(payload)

    def _try_again(self) -> None:
        self._stopping.wait(RETRY_S)
        with contextlib.suppress(LinkDown):
            far = open_transport(self._far_place, self._baud)
            if self._stopping.is_set():
                far.close()
                return
            self._far = far
            self._near.plug()

    def _let_go(self) -> None:
        far, self._far = self._far, None
        if far is not None:
            far.close()


def near_place(config: DevicesConfig, device: Taped) -> tuple[str, Path | None]:
    """A free place of the same kind as the device's, and the folder to remove afterwards."""
    if place_of(config, device)[0].startswith(SCHEME):
        return f"{SCHEME}127.0.0.1:{free_port()}", None
    folder = Path(tempfile.mkdtemp(prefix="gate-bench-tap-"))
    return str(folder / device), folder


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def writer_of(config: DevicesConfig, device: Taped, path: Path, clock: Clock) -> TapeWriter:
    """A new tape of this device."""
    return TapeWriter(path, head_of(config, device, clock), clock)
