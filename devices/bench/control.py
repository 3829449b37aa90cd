"""The control socket of a running `gate-bench sim`: one line of JSON asks, one line answers.

The socket lies in a folder that only its owner may enter, so whoever may simulate may also make
faults. It carries nothing that reaches a real device.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from devices.errors import DeviceError, LinkDown
from devices.sim.faults.table import FaultError, FaultSwitches

if TYPE_CHECKING:
    from devices.bench.trucks import Trucks
    from devices.clock import Clock
    from devices.sim.bench import Bench

LINE_MAX_BYTES = 65_536
TURN_S = 0.1  # how often faults that end by themselves are looked at
ASK_S = 5.0


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a technician wants of a running simulation."""

    do: Literal["look", "fault", "truck", "turn_back", "card"]
    name: str = ""  # of the fault
    on: bool = True
    for_s: float | None = None  # the fault ends by itself after so long
    gross_kg: float | None = None
    card: str | None = None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulated lane is like now, as its devices show it."""

    inputs: tuple[str, ...]  # the sensors that are on
    coils: tuple[int, ...]  # the relays that are closed
    boom: float  # 0 down .. 1 up
    scale_kg: int
    scale_fault: str
    card_fault: str
    truck: str  # what the driver does; "" where there is none
    front_m: float | None
    queued: int
    faults: tuple[str, ...]
    violations: tuple[str, ...]
    unplugged: tuple[str, ...]
    further: dict[str, str] = {}  # what else the lane has, and how it is
    real: tuple[str, ...] = ()  # the devices that are hardware: nothing is known of them here


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    ok: bool
    said: str = ""
    look: Look | None = None


class SimControl:
    """Answers requests about one bench, in a thread of its own."""

    def __init__(self, path: Path, bench: Bench, trucks: Trucks, clock: Clock) -> None:
        self.path = path
        self._bench = bench
        self._trucks = trucks
        self._clock = clock
        self._switches = FaultSwitches(bench)
        self._ends_s: dict[str, float] = {}
        self._stopping = threading.Event()
        self._listener: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="bench-control", daemon=True)

    def __enter__(self) -> SimControl:
        """Listen. Raises `LinkDown` when another simulation of this lane answers there."""
        with contextlib.suppress(LinkDown):
            ask(self.path, Request(do="look"))
            raise DeviceError(f"{self.path}: this lane is simulated already")
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(4)
        self._listener.settimeout(TURN_S)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stopping.set()
        self._thread.join()
        if self._listener is not None:
            self._listener.close()
        self.path.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._end_due()
            with contextlib.suppress(OSError):
                self._serve_one()

    def _serve_one(self) -> None:
        if self._listener is None:
            return
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(1.0)
            line = _line_from(connection)
            connection.sendall(msgspec.json.encode(self._answer(line)) + b"\n")

    def _answer(self, line: bytes) -> Answer:
        try:
            return self._do(msgspec.json.decode(line, type=Request))
        except (msgspec.DecodeError, FaultError, ValueError) as exc:
            return Answer(ok=False, said=str(exc))

    def _do(self, request: Request) -> Answer:
        said = ""
        match request.do:
            case "look":
                return Answer(ok=True, look=self._look())
            case "fault":
                said = self._turn(request)
            case "truck":
                said = self._trucks.send(gross_kg=request.gross_kg, card_uid=request.card)
            case "turn_back":
                self._trucks.turn_back()
                said = "the drivers were told to back out"
            case "card" if "card_reader" not in self._bench.simulated:
                return Answer(ok=False, said="the card reader is real: hold a card to it")
            case "card":
                self._bench.card_reader.present(request.card or "")
                said = f"card {request.card} was held to the reader"
        return Answer(ok=True, said=said)

    def _turn(self, request: Request) -> str:
        fault = self._switches.turn(request.name, on=request.on)
        self._ends_s.pop(fault.name, None)
        if request.on and request.for_s is not None:
            self._ends_s[fault.name] = self._clock.now().mono_s + request.for_s
            return f"{fault.name}: on for {request.for_s:g} s: {fault.en}"
        return f"{fault.name}: {'on' if request.on else 'off'}: {fault.en}"

    def _end_due(self) -> None:
        now_s = self._clock.now().mono_s
        for name in [name for name, end_s in self._ends_s.items() if now_s >= end_s]:
            del self._ends_s[name]
            self._switches.turn(name, on=False)

    def _look(self) -> Look:
        bench, world = self._bench, self._bench.world
        truck = world.truck
        return Look(
            inputs=bench.sensors_on(),
            coils=tuple(number for number, on in enumerate(bench.board.coils()) if on),
            boom=round(world.boom.position, 2),
            scale_kg=bench.scale.shown_kg,
            scale_fault=bench.scale.fault.value,
            card_fault=bench.card_reader.fault.value,
            truck=truck.phase.value if truck is not None else "",
            front_m=round(truck.front_m, 1) if truck is not None else None,
            queued=world.queued,
            faults=self._switches.active,
            violations=tuple(seen.kind.value for seen in world.violations),
            unplugged=_unplugged(bench),
            further=_further(bench),
            real=tuple(name for name in bench.places if name not in bench.simulated),
        )


def _unplugged(bench: Bench) -> tuple[str, ...]:
    """The simulated devices whose cable is pulled."""
    ends = {
        "bus": bench.board,
        "weighbridge": bench.scale.host,
        "card_reader": bench.card_reader.host,
        "camera": bench.camera,
        "lane_camera": bench.lane_camera,
        "tag_reader": bench.tag_reader.host if bench.tag_reader is not None else None,
        "plate_camera": bench.plate_camera,
        "container_camera": bench.container_camera,
        "sign": bench.sign,
    }
    return tuple(
        name
        for name, end in ends.items()
        if end is not None and bench.serves(name) and not end.is_plugged
    )


def _further(bench: Bench) -> dict[str, str]:
    """How the devices are that a lane may have or not."""
    found = _cameras(bench)
    if bench.tag_reader is not None:
        tags = ", ".join(sorted(bench.world.tags())) or "no tag"
        found["tag_reader"] = f"{condition_of(bench.tag_reader.fault)}; {tags} in the lane"
    if bench.plate_camera is not None:
        said = bench.plate_camera.said or "nothing posted yet"
        found["plate_camera"] = f"{condition_of(bench.plate_camera.fault)}; {said}"
    if bench.container_camera is not None:
        said = bench.container_camera.said or "nothing posted yet"
        found["container_camera"] = f"{condition_of(bench.container_camera.fault)}; {said}"
    if bench.sign is not None:
        lines = " | ".join(text for _, text in sorted(bench.sign.lines.items())) or "nothing yet"
        spoken = f'; said "{bench.sign.spoken[-1]}"' if bench.sign.spoken else ""
        found["sign"] = f"{lines}{spoken}"
    return found


def _cameras(bench: Bench) -> dict[str, str]:
    """How the cameras are that send pictures; those that need no simulator are named, too."""
    found = {}
    for name, camera in (("camera", bench.camera), ("lane_camera", bench.lane_camera)):
        place = bench.places.get(name)
        if camera is not None:
            found[name] = f"{condition_of(camera.fault)}; {place}, watched by {camera.viewers}"
        elif place is not None and name in bench.simulated:
            found[name] = f"not simulated here: {place}"
    return found


def condition_of(fault: str) -> str:
    """A simulator's fault, by its value, in words."""
    return "in order" if fault == "none" else f"FAULT: {fault}"


# --- the technician's end -------------------------------------------------------------------------


def ask(path: Path, request: Request) -> Answer:
    """Ask the simulation that listens at `path`. Raises `LinkDown` when nobody answers there."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ASK_S)
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(request) + b"\n")
            return msgspec.json.decode(_line_from(connection), type=Answer)
    except (OSError, msgspec.DecodeError) as exc:
        raise LinkDown(f"{path}: no simulation answers: {exc}") from exc


def control_path(lane: Path) -> Path:
    """Where the simulation of a lane file listens."""
    digest = hashlib.sha256(str(lane.resolve()).encode()).hexdigest()[:10]
    return _folder() / f"{lane.stem[:24]}-{digest}.sock"


def desk_folder(lane: Path) -> Path:
    """Where the simulation of a lane file keeps what it makes for itself. Raises `LinkDown`."""
    folder = control_path(lane).with_suffix("")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def running_control(lane: Path | None) -> Path:
    """The socket of the simulation of `lane`, or of the only one that runs.

    Raises:
        LinkDown: none runs, or several do and `lane` does not say which.
    """
    if lane is not None:
        return control_path(lane)
    found = [path for path in sorted(_folder().glob("*.sock")) if _answers(path)]
    if len(found) != 1:
        names = ", ".join(path.stem for path in found) or "none"
        raise LinkDown(f"which simulation? {names} run; name one with --config LANE.toml")
    return found[0]


def _answers(path: Path) -> bool:
    try:
        return ask(path, Request(do="look")).ok
    except LinkDown:
        return False


def _folder() -> Path:
    """A folder of ours that nobody else may enter. Raises `LinkDown`."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"gate-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or seen.st_uid != os.getuid():
        raise LinkDown(f"{folder}: belongs to somebody else")
    if seen.st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def _line_from(connection: socket.socket) -> bytes:
    received = b""
    while b"\n" not in received and len(received) < LINE_MAX_BYTES:
        piece = connection.recv(4096)
        if not piece:
            break
        received += piece
    return received.partition(b"\n")[0]
