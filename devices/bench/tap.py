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
from urllib.parse import urlsplit, urlunsplit

import msgspec

from devices.addresses import without_password
from devices.bench.bring_up import configured
from devices.bench.http_tap import HttpTap
from devices.bench.tape import TapeHead, TapeWriter
from devices.bench.wording import ToldConfigError, said
from devices.errors import LinkDown
from devices.sim.line_host import line_host
from devices.transports.opening import open_transport
from devices.transports.tcp import SCHEME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.bench.tape import Wire
    from devices.clock import Clock
    from devices.config import DevicesConfig
    from devices.link import Transport

Taped = Literal["weighbridge", "card_reader", "bus", "tag_reader", "sign"]
TAPED: tuple[Taped, ...] = ("weighbridge", "card_reader", "bus", "tag_reader", "sign")
TURN_S = 0.02
RETRY_S = 0.2
READ_MAX_BYTES = 4096
NO_BAUD = 4_000_000  # the device's own line has set the pace already


def place_of(config: DevicesConfig, device: Taped) -> tuple[str, int]:
    """Where the device of a lane file is, as a transport spells it, and its baud rate.

    Raises:
        DeviceConfigError: the lane has none, or its wire carries nothing that can be read.
    """
    if device == "bus":
        bus = config.bus
        if bus.transport == "tcp":
            return f"{SCHEME}{bus.host}:{bus.tcp_port}", bus.baud
        return bus.serial_port, bus.baud
    if device == "sign" and is_http(config):
        return _http_place(configured(config.sign, "sign").url), 0
    keys = configured(getattr(config, device), device)
    return keys.port, keys.baud


def is_http(config: DevicesConfig) -> bool:
    """Whether the lane's sign is asked over HTTP, a connection for each message."""
    return config.sign is not None and config.sign.driver == "http"


def _http_place(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http":
        place = without_password(url)
        raise ToldConfigError(said("tape.under_tls", place=place))
    return f"{SCHEME}{parts.hostname}:{parts.port or 80}"


def moved(config: DevicesConfig, device: Taped, place: str) -> DevicesConfig:
    """The same lane with one device at another place of the same kind."""
    table = configured(getattr(config, device), device)
    address = place.removeprefix(SCHEME)
    changed: dict[str, object] = {"port": place}
    if device == "sign" and is_http(config):
        changed = {"url": urlunsplit(urlsplit(table.url)._replace(netloc=address))}
    elif device == "bus" and config.bus.transport == "tcp":
        host, _, port = address.rpartition(":")
        changed = {"host": host, "tcp_port": int(port)}
    elif device == "bus":
        changed = {"serial_port": place}
    return msgspec.structs.replace(config, **{device: msgspec.structs.replace(table, **changed)})


def head_of(config: DevicesConfig, device: Taped, clock: Clock) -> TapeHead:
    """What the first line of a tape of this device says."""
    place, baud = place_of(config, device)
    wire: Wire = "tcp" if place.startswith(SCHEME) else "serial"
    if device == "bus" and wire == "tcp":
        wire = "modbus-tcp"
    if device == "sign" and is_http(config):
        wire = "http"
    return TapeHead(
        device=device,
        driver=getattr(getattr(config, device), "driver", f"modbus-{config.bus.transport}"),
        place=place,
        baud=baud,
        wire=wire,
        began=datetime.fromtimestamp(clock.now().wall_ms / 1000, UTC).isoformat(timespec="seconds"),
    )


@contextlib.contextmanager
def tapped(
    config: DevicesConfig, device: Taped, near: str, tape: TapeWriter, clock: Clock
) -> Iterator[None]:
    """Tape what passes between the device and whoever opens `near`.

    Raises:
        DeviceConfigError: its wire is not one of bytes.
        LinkDown: it is not there, or `near` is taken.
    """
    if device == "sign" and is_http(config):
        with HttpTap(place_of(config, device)[0], near, tape):
            yield
        return
    with Tap(config, device, near, tape, clock):
        yield


class Tap:
    """Passes bytes between `near`, which a driver opens, and the device. Two threads."""

    def __init__(
        self, config: DevicesConfig, device: Taped, near: str, tape: TapeWriter, clock: Clock
    ) -> None:
        """Raises `DeviceConfigError` for a device whose wire is not one of bytes."""
        self._far_place, self._baud = place_of(config, device)
        if not self._far_place.startswith(("/", SCHEME, ".")):
            raise ToldConfigError(said("tape.no_wire", device=device, place=self._far_place))
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
        """Open the device. Raises `LinkDown` when it is not there.

        Raises:
            DeviceConfigError: the near place is a real port's.
        """
        self._far = open_transport(self._far_place, self._baud)
        try:
            self._near.plug()
        except BaseException:
            self._let_go()
            raise
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
