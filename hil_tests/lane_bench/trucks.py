"""Who moves the truck: the simulated world or a person who is told to. Nothing else differs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from devices.sim.lane_world import TruckVisit
from hil_tests.lane_bench.boom_watcher import line
from hil_tests.lane_bench.clear_pictures import ClearPictures
from hil_tests.lane_bench.scenario import Card, Plate
from hil_tests.lane_bench.wording import said
from hil_tests.rig import picture_of_plate, quick_truck

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.sim.bench import Bench
    from devices.sim.lane_world import LaneWorld
    from hil_tests.lane_bench.scenario import Scenario
    from hil_tests.lane_bench.shadow import Shadow
    from hil_tests.rig import Papers

LATE_S = 2.0
BY_ENTRY = ("e", "入")
_CARDS = {
    Card.OWN: "prompt.card_own",
    Card.LATE: "prompt.card_late",
    Card.NONE: "prompt.card_none",
    Card.EARLY: "prompt.card_none",
    Card.OTHER: "prompt.card_other",
}
_clear_pictures = ClearPictures()


class Truck(Protocol):
    """One truck on its way through the lane."""

    @property
    def has_stopped(self) -> bool:
        """Whether it stands on the scale."""
        ...

    @property
    def is_gone(self) -> bool:
        """Whether it has left the lane."""
        ...

    @property
    def left_by(self) -> str | None:
        """`exit` or `entry`, once it is gone."""
        ...

    def come_in(self) -> None:
        """Have the driver come in who stands before a lane that was closed."""
        ...

    def turn_back(self) -> None:
        """Have the driver back out."""
        ...

    def present_card(self, uid: str) -> None:
        """Have the driver hold a card to the reader."""
        ...


class Mover(Protocol):
    """Sends trucks."""

    def send(self, scenario: Scenario, papers: Papers, number: int) -> Truck:
        """Let this truck come; before a closed lane a person's stands when this returns."""
        ...

    def hold_card(self, uid: str) -> None:
        """Hold a card to the reader now, truck or no truck."""
        ...


def visit_of(
    scenario: Scenario, papers: Papers, number: int, *, is_filmed: bool = True
) -> TruckVisit:
    """What simulated devices see of the truck of a scenario; `is_filmed`: in a drawn picture."""
    spec = quick_truck(papers.gross_kg * scenario.weighs, seed=number, settle_s=scenario.settle_s)
    if scenario.card is Card.LATE:
        spec = replace(spec, card_after_s=LATE_S)
    is_covered = scenario.plate is Plate.COVERED
    return TruckVisit(
        truck=spec,
        picture=_picture(papers.plate, number, is_covered=is_covered) if is_filmed else b"",
        card_uid=papers.card_uid if scenario.card not in (Card.NONE, Card.EARLY) else None,
        tag_id=papers.tag_id or None,
        plate="" if is_covered else papers.plate,
        containers=(papers.container,) if papers.container else (),
    )


def _picture(plate: str, number: int, *, is_covered: bool) -> bytes:
    if is_covered:
        return picture_of_plate(plate, seed=number, unreadable=True)
    return _clear_pictures.of_plate(plate, seed=number)


class SimulatedTruck:
    """A truck of the simulated world. `ask_card` where a person holds its card to a real reader."""

    def __init__(
        self, world: LaneWorld, visit: TruckVisit, ask_card: Callable[[str], None] | None = None
    ) -> None:
        self._handle = world.send(visit)
        self._ask_card = ask_card

    @property
    def has_stopped(self) -> bool:
        """Whether its wheels have come to rest at the stop line."""
        return self._handle.has_stopped.is_set()

    @property
    def is_gone(self) -> bool:
        """Whether it has left."""
        return self._handle.is_gone.is_set()

    @property
    def left_by(self) -> str | None:
        """Which way."""
        return self._handle.left_by

    def come_in(self) -> None:
        """The driver sees the entry lamp himself."""

    def turn_back(self) -> None:
        """The driver backs out."""
        self._handle.turn_back()

    def present_card(self, uid: str) -> None:
        """The driver holds his card out again."""
        if self._ask_card is not None:
            self._ask_card(uid)
        else:
            self._handle.present_card(uid)


class SimulatedMover:
    """Moves trucks of the simulated world, whatever it is that their wheels work.

    `hold_card` is what a simulated reader is presented with. With a real one `tell` shows a person
    each card that it is time for.
    """

    def __init__(
        self,
        world: LaneWorld,
        hold_card: Callable[[str], None],
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._world = world
        self._hold_card = hold_card
        self._tell = tell

    def send(self, scenario: Scenario, papers: Papers, number: int) -> Truck:
        """Draw its picture and let it come."""
        visit = visit_of(scenario, papers, number)
        if self._tell is not None:
            visit = replace(visit, card_uid=None)
        return SimulatedTruck(self._world, visit, None if self._tell is None else self._ask_card)

    def hold_card(self, uid: str) -> None:
        """Hold a card to the reader."""
        if self._tell is None:
            self._hold_card(uid)
        else:
            self._ask_card(uid)

    def _ask_card(self, uid: str) -> None:
        if self._tell is not None:
            self._tell(line("prompt.card_now", uid=uid))


class PromptedTruck:
    """A real truck whose driver does what he is told; where it is the lane itself must say."""

    def __init__(self, person: Person, hold_card: Callable[[str], None], way_in: str = "") -> None:
        """`way_in` is the line that calls it into a lane that was closed."""
        self._person = person
        self._hold_card = hold_card
        self._way_in = way_in
        self._was_in = False
        self._left_by: str | None = None

    @property
    def has_stopped(self) -> bool:
        """Whether the lane has it."""
        self._was_in = self._was_in or self._person.in_lane()
        return self._was_in

    @property
    def is_gone(self) -> bool:
        """Whether the lane had it and has it no more; the person says which way it went."""
        if self._left_by is None and self.has_stopped and not self._person.in_lane():
            answer = self._person.ask(line("prompt.which_way"))
            self._left_by = "entry" if answer.strip().lower().startswith(BY_ENTRY) else "exit"
        return self._left_by is not None

    @property
    def left_by(self) -> str | None:
        """As the person said."""
        return self._left_by

    def come_in(self) -> None:
        """Say so."""
        self._person.tell(self._way_in)

    def turn_back(self) -> None:
        """Say so."""
        self._person.tell(line("prompt.back_out"))

    def present_card(self, uid: str) -> None:
        """Say so, or hold it to the simulated reader."""
        self._hold_card(uid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who drives, and what the lane has of the truck."""

    tell: Callable[[str], None]
    ask: Callable[[str], str]
    in_lane: Callable[[], bool]


class PromptedMover:
    """A person with a truck: told what to do, line by line.

    What is simulated of the lane's devices sees the truck through `shadow`: of a simulated reader
    and camera the person is told nothing.
    """

    def __init__(self, person: Person, bench: Bench, shadow: Shadow) -> None:
        self._person = person
        self._bench = bench
        self._shadow = shadow
        self._has_reader = "card_reader" not in bench.simulated
        self._has_camera = "camera" not in bench.simulated
        self._is_filmed = bench.serves("camera") or bench.serves("lane_camera")

    def send(self, scenario: Scenario, papers: Papers, number: int) -> Truck:
        """Say what to do and wait for Enter."""
        is_filmed = self._is_filmed
        self._shadow.expect(visit_of(scenario, papers, number, is_filmed=is_filmed))
        covers = self._has_camera and scenario.plate is not Plate.CLEAR
        plate = said("prompt.cover_plate") if covers else ""
        card = said(_CARDS[scenario.card], uid=papers.card_uid) if self._has_reader else ""
        name = scenario.name
        if scenario.mode == "closed":
            self._person.ask(line("prompt.stand_before", number=number, name=name, plate=plate))
            way_in = line("prompt.come_in", card=card)
            return PromptedTruck(self._person, self._present_again, way_in)
        self._person.ask(line("prompt.drive", number=number, name=name, plate=plate, card=card))
        return PromptedTruck(self._person, self._present_again)

    def hold_card(self, uid: str) -> None:
        """Say so and wait for Enter, or hold it to the simulated reader."""
        if self._has_reader:
            self._person.ask(line("prompt.card_before", uid=uid))
        else:
            self._bench.card_reader.present(uid)

    def _present_again(self, uid: str) -> None:
        if self._has_reader:
            self._person.tell(line("prompt.card_again", uid=uid))
        else:
            self._bench.card_reader.present(uid)
