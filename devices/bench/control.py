"""The control socket of a running `gate-bench sim`: one line of JSON asks, one line answers.

The socket lies in a folder that only its owner may enter, so whoever may simulate may also make
faults. It carries nothing that reaches a real device.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from devices.bench.wording import ToldError, said
from devices.errors import LinkDown
from devices.sim.faults.table import FAULTS, FaultSwitches
from devices.texts import Language, Said, as_is, listed

if TYPE_CHECKING:
    from devices.bench.trucks import Trucks
    from devices.clock import Clock
    from devices.sim.bench import Bench
    from devices.sim.posting_camera import PostingCamera

LINE_MAX_BYTES = 65_536
TURN_S = 0.1  # how often faults that end by themselves are looked at
ASK_S = 5.0


class NoSimulation(ToldError, LinkDown):
    """No simulation answers, or it is not known which is meant."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a technician wants of a running simulation."""

    do: Literal["look", "fault", "truck", "turn_back", "card"]
    name: str = ""  # of the fault
    on: bool = True
    for_s: float | None = None  # the fault ends by itself after so long
    gross_kg: float | None = None
    card: str | None = None
    language: Language = "en"  # of what is answered in words


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulated lane is like now, as its devices show it."""

    inputs: tuple[str, ...]  # the sensors that are on
    coils: tuple[int, ...]  # the relays that are closed
    boom: float  # 0 down .. 1 up
    scale_kg: int
    scale_fault: str  # of the simulator, "none" where it is well
    card_fault: str
    truck: str  # what the driver does, a `TruckPhase`; "" where there is none
    front_m: float | None
    queued: int
    faults: tuple[str, ...]
    violations: tuple[str, ...]
    unplugged: tuple[str, ...]
    further: dict[str, str] = {}  # what else the lane has, and how it is, in words
    real: tuple[str, ...] = ()  # the devices that are hardware: nothing is known of them here


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `said` is in the language of the request."""

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
            raise ToldError(said("sim.already", path=str(self.path)))
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
            request = msgspec.json.decode(line, type=Request)
        except msgspec.DecodeError as exc:
            return Answer(ok=False, said=str(exc))
        if request.do == "look":
            return Answer(ok=True, look=self._look(request.language))
        try:
            return Answer(ok=True, said=self._do(request)[request.language])
        except ToldError as exc:
            return Answer(ok=False, said=exc.told[request.language])

    def _do(self, request: Request) -> Said:
        """Do what is asked, and say so. Raises `ToldError` where it cannot be done."""
        match request.do:
            case "fault":
                return self._turn(request)
            case "truck":
                return self._send(request)
            case "turn_back":
                self._trucks.turn_back()
                return said("sim.told_to_back_out")
            case _:
                return self._hold_card(request.card or "")

    def _send(self, request: Request) -> Said:
        try:
            return self._trucks.send(gross_kg=request.gross_kg, card_uid=request.card)
        except ValueError as exc:
            raise ToldError(said("truck.cannot_be", why=str(exc))) from exc

    def _hold_card(self, uid: str) -> Said:
        if "card_reader" not in self._bench.simulated:
            raise ToldError(said("sim.reader_is_real"))
        try:
            self._bench.card_reader.present(uid)
        except ValueError as exc:
            raise ToldError(said("sim.no_such_card", uid=uid, why=str(exc))) from exc
        return said("sim.card_held", uid=uid)

    def _turn(self, request: Request) -> Said:
        fault = FAULTS.get(request.name)
        if fault is None:
            raise ToldError(said("fault.unknown", name=request.name, meant=_meant(request.name)))
        refused = fault.refusal(self._bench) if request.on else None
        if refused is not None:
            raise ToldError(refused)
        self._switches.turn(fault.name, on=request.on)
        self._ends_s.pop(fault.name, None)
        what = fault.what
        if not request.on:
            return said("fault.off", name=fault.name, what=what)
        if request.for_s is None:
            return said("fault.on", name=fault.name, what=what)
        self._ends_s[fault.name] = self._clock.now().mono_s + request.for_s
        return said("fault.on_for", name=fault.name, for_s=request.for_s, what=what)

    def _end_due(self) -> None:
        now_s = self._clock.now().mono_s
        for name in [name for name, end_s in self._ends_s.items() if now_s >= end_s]:
            del self._ends_s[name]
            self._switches.turn(name, on=False)

    def _look(self, language: Language) -> Look:
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
            further={name: how[language] for name, how in _further(bench).items()},
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


def _further(bench: Bench) -> dict[str, Said]:
    """How the devices are that a lane may have or not."""
    found = _cameras(bench)
    if bench.tag_reader is not None:
        tags = listed(as_is(tag) for tag in sorted(bench.world.tags()))
        condition = condition_of(bench.tag_reader.fault)
        seen = tags if tags.en else said("panel.no_tag")
        found["tag_reader"] = said("panel.tags", condition=condition, tags=seen)
    if bench.plate_camera is not None:
        found["plate_camera"] = _posting(bench.plate_camera)
    if bench.container_camera is not None:
        found["container_camera"] = _posting(bench.container_camera)
    if bench.sign is not None:
        lines = " | ".join(text for _, text in sorted(bench.sign.lines.items()))
        shown = as_is(lines) if lines else said("panel.nothing_shown")
        if bench.sign.spoken:
            shown = said("panel.spoken", lines=shown, text=bench.sign.spoken[-1])
        found["sign"] = shown
    return found


def _posting(camera: PostingCamera) -> Said:
    """How a camera is that posts, and what became of its last post."""
    posted = said("panel.nothing_posted")
    if camera.last_post is not None:
        was_taken, what = camera.last_post
        posted = said("panel.taken", what=what) if was_taken else said("panel.not_taken", why=what)
    return said("panel.and", condition=condition_of(camera.fault), what=posted)


def _cameras(bench: Bench) -> dict[str, Said]:
    """How the cameras are that send pictures; those that need no simulator are named, too."""
    found = {}
    for name, camera in (("camera", bench.camera), ("lane_camera", bench.lane_camera)):
        place = bench.places.get(name)
        if camera is not None:
            found[name] = said(
                "panel.watched",
                condition=condition_of(camera.fault),
                place=place or "",
                viewers=camera.viewers,
            )
        elif place is not None and name in bench.simulated:
            found[name] = said("panel.not_simulated", place=place)
    return found


def condition_of(fault: str) -> Said:
    """A simulator's fault, by its value, in words; a camera may name several with a comma."""
    if fault == "none":
        return said("panel.in_order")
    what = listed(said(f"condition.{each}") for each in fault.split(", "))
    return said("panel.wrong", what=what)


def _meant(name: str) -> Said:
    near = difflib.get_close_matches(name, list(FAULTS), n=1)
    return said("fault.meant", name=near[0]) if near else as_is("")


# --- the technician's end -------------------------------------------------------------------------


def ask(path: Path, request: Request) -> Answer:
    """Ask the simulation that listens at `path`. Raises `NoSimulation`: nobody answers there."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ASK_S)
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(request) + b"\n")
            return msgspec.json.decode(_line_from(connection), type=Answer)
    except (OSError, msgspec.DecodeError) as exc:
        raise NoSimulation(said("sim.not_running", path=str(path), why=str(exc))) from exc


def control_path(lane: Path) -> Path:
    """Where the simulation of a lane file listens."""
    digest = hashlib.sha256(str(lane.resolve()).encode()).hexdigest()[:10]
    return _folder() / f"{lane.stem[:24]}-{digest}.sock"


def desk_folder(lane: Path) -> Path:
    """Where the simulation of a lane file keeps what it makes for itself. Raises `NoSimulation`."""
    folder = control_path(lane).with_suffix("")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def running_control(lane: Path | None) -> Path:
    """The socket of the simulation of `lane`, or of the only one that runs.

    Raises:
        NoSimulation: none runs, or several do and `lane` does not say which.
    """
    if lane is not None:
        return control_path(lane)
    found = [path for path in sorted(_folder().glob("*.sock")) if _answers(path)]
    if len(found) != 1:
        if not found:
            raise NoSimulation(said("sim.none_runs"))
        names = listed(as_is(path.stem) for path in found)
        raise NoSimulation(said("sim.which", names=names))
    return found[0]


def _answers(path: Path) -> bool:
    try:
        return ask(path, Request(do="look")).ok
    except LinkDown:
        return False


def _folder() -> Path:
    """A folder of ours that nobody else may enter. Raises `NoSimulation`."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"gate-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or seen.st_uid != os.getuid():
        raise NoSimulation(said("sim.not_ours", folder=str(folder)))
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
