"""The physical world of one lane: a truck or none, the boom, the lamps, the switches.

One thread ticks it about 60 times a second. It reads the lamps from the board's relays as a
driver reads them from his cab, moves the truck, and sets the board's inputs as loops, beams and
limit switches would. It knows nothing of verdicts; what it reports is what happened: when the
wheels stopped, when the raise contact closed, when the boom was up, which way the truck left,
and every violation of safety that a bystander would have seen.

Trucks sent while one is in the lane queue up outside and come one after the other. Pictures are
handed in as JPEG bytes; this package draws no plates.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, get_args

from devices.lane_io.registers import DEFAULT_BOARD, BoardMap, lamp_coil
from devices.readings import Lamp
from devices.sim.boom import BoomContact, SimBoom
from devices.sim.truck import (
    FOLLOWER,
    LaneGeometry,
    Occupancy,
    Sight,
    Truck,
    TruckPhase,
    TruckSpec,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock

TICK_S = 1 / 60
LONGEST_TICK_S = 0.1  # a starved machine slows the world down rather than making trucks jump
UP = 0.98  # of the boom's travel: what a driver takes for open
CLEARS_TRUCK = 0.8  # a truck whose front passes a boom lower than this has hit it
MOVED = 1e-4
FOLLOWED = (TruckPhase.WAITING, TruckPhase.ENTERING, TruckPhase.STOPPED, TruckPhase.REVERSING)
REACTION_S = 0.15  # what a barrier's own controller may take to see what came under its boom

Sensor = Literal[
    "entry_loop",
    "front_beam",
    "rear_beam",
    "exit_loop",
    "barrier_up",
    "barrier_down",
    "barrier_fault",
    "emergency_stop",
    "manual_switch",
]
SENSORS: tuple[Sensor, ...] = get_args(Sensor)


class ViolationKind(StrEnum):
    """What must never be seen in a lane."""

    CLOSED_ON_SOMETHING = "closed_on_something"  # the boom moved down with something under it
    OPENED_FOR_NOBODY = "opened_for_nobody"  # it rose with no truck at the stop line
    STRUCK = "struck"  # a truck drove into it


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One violation, at monotonic seconds."""

    kind: ViolationKind
    at_s: float
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TruckVisit:
    """One truck that comes to the lane.

    `picture` is the JPEG that the camera shows while the truck's front is in view; with
    `further_pictures` they are shown in turn, one per frame, as a real camera never takes the
    same picture twice. `card_uid` is what the driver presents; None: he has no card. `tag_id` is
    the tag behind the windshield, seen while the truck is in the lane; None: it has none. `plate`
    is what a camera reads that recognizes plates itself; "": it reads nothing. `containers` are
    the numbers on the boxes that it carries.
    """

    truck: TruckSpec
    picture: bytes
    card_uid: str | None
    further_pictures: tuple[bytes, ...] = ()
    tag_id: str | None = None
    plate: str = ""
    containers: tuple[str, ...] = ()


class VisitHandle:
    """What became of one visit. Stamps are monotonic seconds, None until it happened."""

    def __init__(self, visit: TruckVisit) -> None:
        self.visit = visit
        self.entered_s: float | None = None  # the front reached the entry loop
        self.stopped_s: float | None = None  # wheels at rest at the stop line
        self.card_presented_s: float | None = None
        self.raise_contact_s: float | None = None  # first raise contact after the stop
        self.boom_up_s: float | None = None  # up limit made after that contact
        self.left_s: float | None = None
        self.left_by: Literal["exit", "entry"] | None = None
        self.orders: deque[str | None] = deque()  # a card to present, or None: turn back
        self.has_stopped = threading.Event()
        self.is_gone = threading.Event()

    def turn_back(self) -> None:
        """Tell the driver to back out through the entry."""
        self.orders.append(None)

    def present_card(self, uid: str) -> None:
        """Have the driver present a card now (another one, or again)."""
        self.orders.append(uid)

    def wait_stopped(self, timeout_s: float) -> bool:
        """Wait until the truck stands at the stop line; False when it did not in time."""
        return self.has_stopped.wait(timeout_s)

    def wait_gone(self, timeout_s: float) -> bool:
        """Wait until the truck has left the lane; False when it did not in time."""
        return self.is_gone.wait(timeout_s)


class LaneWorld:
    """One lane. `start` and `stop` from one thread; `send` and every reader from any.

    `set_input(address, on)` sets a terminal of the board. `present_card(uid)` holds a card to
    the reader. Call `on_coil` whenever a relay of the board changes. Without `start`, `tick`
    moves the world by hand. With `stops_short` drivers halt with an axle before the platform, with
    `is_followed` a light vehicle comes in close behind each truck. From the world's thread
    `onlooker` is told of each visit whose truck reaches the entry loop, and None when it has left.
    """

    def __init__(
        self,
        geometry: LaneGeometry,
        clock: Clock,
        boom: SimBoom,
        *,
        set_input: Callable[[int, bool], None],
        present_card: Callable[[str], None],
        empty_picture: bytes,
        board: BoardMap = DEFAULT_BOARD,
        onlooker: Callable[[TruckVisit | None], None] = lambda _visit: None,
    ) -> None:
        self.geometry = geometry
        self.obstacle_under_boom = False  # a person or a car, seen by the exit loop
        self.stops_short = False
        self.is_followed = False
        self._follower: Truck | None = None
        self._onlooker = onlooker
        self._clock = clock
        self.boom = boom
        self._set_input = set_input
        self._present_card = present_card
        self._empty_picture = empty_picture
        self._board = board
        self._coils: dict[int, bool] = {}
        self._held: dict[str, bool] = {}
        self._sent: dict[int, bool] = {}
        self._queue: deque[VisitHandle] = deque()
        self._handle: VisitHandle | None = None
        self._truck: Truck | None = None
        self._pictures: tuple[bytes, ...] = (empty_picture,)
        self._frames = itertools.count()
        self._weight_kg = 0.0
        self._violations: list[Violation] = []
        self._contacts = {
            board.raise_coil: BoomContact.RAISE,
            board.lower_coil: BoomContact.LOWER,
            board.stop_coil: BoomContact.STOP,
        }
        self._loop_under_boom = False
        self._last_position = boom.position
        self._last_front_m = 0.0
        self._clear_s = clock.now().mono_s  # nothing was under the boom then
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Let time run."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="sim-world", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop time; leaves no thread behind."""
        if self._thread is not None:
            self._stopping.set()
            self._thread.join()
            self._thread = None

    def send(self, visit: TruckVisit) -> VisitHandle:
        """Send a truck; it comes when those before it have left."""
        Truck(visit.truck, self.geometry)  # a truck that does not fit is refused here
        handle = VisitHandle(visit)
        self._queue.append(handle)
        return handle

    def weight_kg(self) -> float:
        """What the platform feels, for the weighbridge."""
        return self._weight_kg

    def picture(self) -> bytes:
        """What the camera sees now: a JPEG of the truck while its front is in view."""
        pictures = self._pictures
        return pictures[next(self._frames) % len(pictures)]

    def tags(self) -> frozenset[str]:
        """The tags that an antenna over the lane sees."""
        handle = self._handle
        tag_id = handle.visit.tag_id if handle is not None else None
        return frozenset() if tag_id is None else frozenset({tag_id})

    @property
    def truck(self) -> Truck | None:
        """The truck in the lane, to look at."""
        return self._truck

    @property
    def queued(self) -> int:
        """How many trucks are in the lane or wait outside."""
        return len(self._queue) + (self._handle is not None)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Everything seen so far that must never be seen."""
        return tuple(self._violations)

    def lamp(self, lamp: Lamp) -> bool:
        """Whether a lamp is lit, as the driver sees it."""
        coil = lamp_coil(lamp, self._board)
        return coil is not None and self._coils.get(coil, False)

    def hold_input(self, sensor: Sensor, state: bool | None) -> None:  # noqa: FBT001 - a switch
        """Hold one sensor's wire to the board at `state`; None lets it go.

        The barrier's own controller has its own wire to the exit loop and is not fooled.
        """
        if state is None:
            self._held.pop(sensor, None)
        else:
            self._held[sensor] = state

    def on_coil(self, address: int, on: bool, at_s: float) -> None:  # noqa: FBT001 - a relay
        """A relay of the board has changed. From the board's own thread."""
        self._coils[address] = on
        if (contact := self._contacts.get(address)) is not None:
            self.boom.contact(contact, on, at_s)

    def tick(self, duration_s: float) -> None:
        """Let `duration_s` pass in the lane. For the world's thread, or for a test by hand."""
        now_s = self._clock.now().mono_s
        self.boom.advance(now_s, safety_occupied=self._loop_under_boom)
        if self._truck is None and self._queue:
            self._handle = self._queue.popleft()
            self._truck = Truck(self._handle.visit.truck, self.geometry)
            self._last_front_m = self._truck.front_m
        if self._truck is not None and self._handle is not None:
            self._drive(self._truck, self._handle, duration_s)
            self._stamp(self._truck, self._handle, now_s)
        self._follow()
        self._weight_kg = self._felt_kg()
        self._watch(self.boom.position, now_s)
        self._sense()
        if self._truck is not None and self._truck.is_gone:
            self._see_off(self._truck, now_s)

    def _run(self) -> None:
        last_s = self._clock.now().mono_s
        while not self._stopping.wait(TICK_S):
            now_s = self._clock.now().mono_s
            self.tick(min(LONGEST_TICK_S, now_s - last_s))
            last_s = now_s

    def _drive(self, truck: Truck, handle: VisitHandle, duration_s: float) -> None:
        while handle.orders:
            uid = handle.orders.popleft()
            if uid is None:
                truck.turn_back()
            else:
                self._present_card(uid)
        self._last_front_m = truck.front_m
        truck.stops_short = self.stops_short
        truck.advance(
            duration_s,
            Sight(
                entry_green=self.lamp(Lamp.ENTRY_GREEN),
                exit_green=self.lamp(Lamp.EXIT_GREEN),
                boom_up=self.boom.position >= UP,
            ),
        )
        start_m, end_m = self.geometry.camera_view
        in_view = start_m <= truck.front_m <= end_m
        visit = handle.visit
        seen = (visit.picture, *visit.further_pictures)
        self._pictures = seen if in_view else (self._empty_picture,)

    def _stamp(self, truck: Truck, handle: VisitHandle, now_s: float) -> None:
        if handle.entered_s is None and truck.front_m >= self.geometry.entry_loop[0]:
            handle.entered_s = now_s
            self._onlooker(handle.visit)
        if truck.phase is TruckPhase.STOPPED:
            if handle.stopped_s is None:
                handle.stopped_s = now_s - truck.standing_s
                handle.has_stopped.set()
            uid = handle.visit.card_uid
            is_due = truck.standing_s >= truck.spec.card_after_s
            if uid is not None and is_due and handle.card_presented_s is None:
                handle.card_presented_s = now_s
                self._present_card(uid)
        if handle.stopped_s is not None and handle.boom_up_s is None:
            if handle.raise_contact_s is None:
                handle.raise_contact_s = _not_before(handle.stopped_s, self.boom.raise_contact_s)
            else:
                handle.boom_up_s = _not_before(handle.raise_contact_s, self.boom.up_limit_s)

    def _follow(self) -> None:
        """Where a second vehicle is: close behind a truck, until that drives out without it."""
        truck = self._truck
        if not self.is_followed:
            self._follower = None
        elif truck is not None and truck.phase in FOLLOWED:
            self._follower = self._follower or Truck(FOLLOWER, self.geometry)
            self._follower.follow(truck)

    def _felt_kg(self) -> float:
        followed_kg = self._follower.load_kg() if self._follower is not None else 0.0
        return followed_kg + (self._truck.weight_kg() if self._truck is not None else 0.0)

    def _occupied(self) -> dict[str, bool]:
        """The loops and beams that the vehicles in the lane occupy together."""
        there = [each for each in (self._truck, self._follower) if each is not None]
        seen = [asdict(each.occupancy()) for each in there]
        return {sensor: any(one[sensor] for one in seen) for sensor in asdict(Occupancy())}

    def _watch(self, position: float, now_s: float) -> None:
        """Look at the boom as a bystander would."""
        last, self._last_position = self._last_position, position
        truck, boom_m = self._truck, self.geometry.boom_m
        under = self.obstacle_under_boom or (truck is not None and truck.covers(boom_m, boom_m))
        if not under:
            self._clear_s = now_s
        elif position < last - MOVED and now_s - self._clear_s > REACTION_S:
            self._note(ViolationKind.CLOSED_ON_SOMETHING, now_s, f"at {position:.2f} of its travel")
        at_the_line = truck is not None and truck.phase in (TruckPhase.STOPPED, TruckPhase.LEAVING)
        if last <= MOVED < position and not (at_the_line or under):
            self._note(ViolationKind.OPENED_FOR_NOBODY, now_s, "no truck at the stop line")
        passed = truck is not None and self._last_front_m < boom_m <= truck.front_m
        if passed and position < CLEARS_TRUCK:
            self._note(ViolationKind.STRUCK, now_s, f"boom at {position:.2f} of its travel")

    def _note(self, kind: ViolationKind, at_s: float, detail: str) -> None:
        last = self._violations[-1] if self._violations else None
        if last is None or last.kind is not kind or at_s - last.at_s > 1.0:
            self._violations.append(Violation(kind=kind, at_s=at_s, detail=detail))

    def _sense(self) -> None:
        """Set the board's inputs to what the sensors see; only changes travel."""
        seen = self._occupied()
        seen["exit_loop"] = self._loop_under_boom = seen["exit_loop"] or self.obstacle_under_boom
        seen["barrier_up"], seen["barrier_down"] = self.boom.up_limit, self.boom.down_limit
        seen["barrier_fault"] = self.boom.fault_output
        for sensor in SENSORS:
            state = self._held.get(sensor, seen.get(sensor, False))
            terminal: int | None = getattr(self._board, sensor)
            if terminal is None:
                continue  # not wired
            level = state != (terminal in self._board.normally_closed)
            if self._sent.get(terminal) is not level:
                self._sent[terminal] = level
                self._set_input(terminal, level)

    def _see_off(self, truck: Truck, now_s: float) -> None:
        handle, self._handle, self._truck = self._handle, None, None
        self._pictures = (self._empty_picture,)
        self._onlooker(None)
        if handle is not None:
            handle.left_s = now_s
            handle.left_by = "exit" if truck.phase is TruckPhase.GONE_BY_EXIT else "entry"
            handle.is_gone.set()


def _not_before(earliest_s: float, stamp_s: float | None) -> float | None:
    """`stamp_s` when it belongs to what began at `earliest_s`, else None."""
    return stamp_s if stamp_s is not None and stamp_s >= earliest_s else None
