"""The account of a port: what every lane committed, what every boom did, what was wrong.

It keeps no state of the port's own. `LaneAccount` sees each commit before its effects are
carried out and judges it by `tests/lane_history.py`, the account of the invariants I1 to I6;
whatever needs more than one lane, or the vehicle that really stands there, is judged here.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate_agent.domain.effects import MarkUsed, Record
from gate_agent.domain.identity import named_plate
from gate_agent.domain.pieces import is_sure
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.records import (
    CommandCarriedOut,
    PassageClosed,
    PassageDecided,
    PassageOpened,
    PassageOverridden,
)
from gate_agent.domain.vocabulary import Outcome
from gate_agent.store.encoding import encode_event
from hil_tests.virtual_port.agent import KillPoint
from hil_tests.virtual_port.script import IMPOSTORS, Kind
from tests.lane_history import LaneHistory

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate_agent.domain.effects import Effect
    from gate_agent.domain.events import Stamped
    from gate_agent.domain.state import LaneState, Step
    from gate_agent.domain.vocabulary import CommandId
    from hil_tests.virtual_port.place import Place
    from hil_tests.virtual_port.traffic import Vehicle

SPREAD_S = 10.0
"""A use by a lane that was alone is known at the hub this long after it is connected again."""
SECOND_USE = "replayed, to a lane that could not know"
BEFORE_ITS_OWNER = "replayed, before its owner came: plate, card and weight are right"
MISREAD_FOR_IT = "wrong_plate, and the camera was sure of the declared one"
TAKEN_FOR_IT = "wrong_plate, and the picture fitted the declared one"
LAST_STEPS = 12
SHOWN = 200  # characters of an event or effect


class Violation(Exception):
    """An invariant does not hold. `name` stays the same while a script is made shorter."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Use:
    """A declaration used up by a lane itself."""

    lane: str
    passage_id: str
    at_s: float
    by_lane: bool  # False: a supervisor's release
    connected: bool  # the lane could hear the hub for a while


@dataclass(slots=True)
class PortAccount:
    """What all lanes did. `allow_replays_since_s`: a hub put back has forgotten uses."""

    now_s: Callable[[], float]
    is_connected: Callable[[str], bool]  # whether a lane has heard the hub for a while
    trace: hashlib._Hash = field(default_factory=hashlib.sha256)
    counts: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)  # what the histories have seen
    uses: dict[str, list[Use]] = field(default_factory=dict)
    false_releases: Counter[str] = field(default_factory=Counter)
    passages: dict[str, Vehicle | None] = field(default_factory=dict)  # whom each is of
    released: dict[str, str] = field(default_factory=dict)  # passage -> who released it last
    commands: Counter[str] = field(default_factory=Counter)  # carried out, by id
    is_hub_put_back: bool = False

    def used(self, declaration_id: str, use: Use) -> None:
        """A lane used a declaration up; twice is wrong where somebody could have known."""
        before = self.uses.setdefault(declaration_id, [])
        if any(other.passage_id == use.passage_id for other in before):
            return
        for other in before if use.by_lane else ():
            after_s = use.at_s - other.at_s
            detail = (
                f"{declaration_id} by {other.passage_id}, {after_s:.1f} s later {use.passage_id}"
            )
            if other.lane == use.lane:
                raise Violation("used twice by one lane", detail)
            if not self.is_hub_put_back and self._could_know(other, use, after_s):
                raise Violation("used twice while connected", detail)
            self.counts["used twice by lanes that could not know"] += 1
        before.append(use)

    def _could_know(self, other: Use, use: Use, after_s: float) -> bool:
        """Whether the hub knew of the other use, or of the claim before it, and could say so."""
        if not use.connected:
            return False
        return other.connected or (after_s > SPREAD_S and self.is_connected(other.lane))


class LaneAccount:
    """One lane's witness: it outlives every process of the lane."""

    def __init__(self, lane: str, port: PortAccount, place: Place) -> None:
        self._lane = lane
        self._port = port
        self._place = place
        self.history = LaneHistory(ReleasePolicy())
        self.bodies: dict[tuple[str, int], bytes] = {}
        self.seq = 0
        self.pulses: list[CommandId] = []
        self._last: deque[tuple[float, str, bytes, tuple[Effect, ...]]] = deque(maxlen=LAST_STEPS)
        self.kill_at: list[KillPoint] = []
        self.full_disks = 0

    @property
    def last_steps(self) -> list[str]:
        """What the lane did last, for a person."""
        lines = []
        for now_s, name, body, effects in self._last:
            lines.append(f"{now_s:.2f} {name} {body.decode()[:SHOWN]}")
            lines += [f"        {repr(effect)[:SHOWN]}" for effect in effects]
        return lines

    # -- what the script does to the process

    def kill_now(self, point: KillPoint) -> bool:
        """Whether the script ends the process here."""
        if point in self.kill_at:
            self.kill_at.remove(point)
            return True
        return False

    def is_disk_full(self) -> bool:
        """Whether the script has filled the disk."""
        return self.full_disks > 0

    # -- what the lane does

    def committed(
        self, stamped: Stamped, before: LaneState, step: Step, rows: list[tuple[int, bytes]]
    ) -> None:
        """Judge a step that is on the disk. Raises `Violation`."""
        self._note(stamped, step)
        self._keep(step.lane.epoch, rows)
        try:
            self.history.turn(before, stamped.event, stamped.at, step)
        except AssertionError as exc:
            name = str(exc).split("\n", maxsplit=1)[0] or "an invariant of the lane"
            raise Violation(name, f"{self._lane}: {stamped.event}") from exc
        for effect in step.effects:
            match effect:
                case Record():
                    self._record(effect.body)
                case MarkUsed():
                    self._use(effect)
                case _:
                    pass

    def raised(self, command_id: CommandId) -> None:
        """The contact for up was pulsed. Raises `Violation`."""
        passage_id = passage_of(command_id)
        self._last.append((self._port.now_s(), "(the boom is pulsed)", command_id.encode(), ()))
        if passage_id not in self._port.released:
            raise Violation("opened without a release on record", command_id)
        if command_id in self.pulses:
            raise Violation("raised twice by one command", command_id)
        self.pulses.append(command_id)
        self._port.counts["raises"] += 1

    def _note(self, stamped: Stamped, step: Step) -> None:
        name, body = encode_event(stamped.event)
        now_s = self._port.now_s()
        self._port.counts["events"] += 1
        self._port.trace.update(f"{now_s:.6f} {self._lane} {name} ".encode() + body)
        self._last.append((now_s, name, body, step.effects))

    def _keep(self, epoch: str, rows: list[tuple[int, bytes]]) -> None:
        for seq, body in rows:
            if seq != self.seq + 1:
                raise Violation("a gap in the numbers", f"{self._lane}: {seq} after {self.seq}")
            self.seq = seq
            self.bodies[epoch, seq] = hashlib.sha256(body).digest()
            self._port.counts["records"] += 1

    def _record(self, body: object) -> None:
        port = self._port
        match body:
            case PassageOpened():
                port.passages[body.passage_id] = self._who_is_here()
                port.counts["passages"] += 1
            case PassageDecided():
                self._decided(body)
            case PassageOverridden():
                port.commands[body.command_id] += 1
                if body.decision is Outcome.RELEASE:
                    port.released[body.passage_id] = body.by
            case CommandCarriedOut():
                port.commands[body.command_id] += 1
            case PassageClosed():
                port.counts[f"ended {body.outcome.value}"] += 1
            case _:
                pass

    def _decided(self, body: PassageDecided) -> None:
        port = self._port
        port.counts[f"verdict {body.verdict.outcome.value}"] += 1
        if body.verdict.outcome is not Outcome.RELEASE:
            return
        port.released[body.passage_id] = "lane"
        vehicle = port.passages.get(body.passage_id)
        declaration = body.verdict.declaration
        if vehicle is None or declaration is None:
            raise Violation("released nobody", body.passage_id)
        if vehicle.kind not in IMPOSTORS:
            if declaration.declaration_id != vehicle.papers.declaration_id:
                raise Violation("released on another's papers", body.passage_id)
            return
        if _is_read_as_declared(vehicle, body):
            port.false_releases[MISREAD_FOR_IT] += 1
            return
        if _is_taken_for_declared(vehicle, body):
            port.false_releases[TAKEN_FOR_IT] += 1
            return
        if vehicle.kind is Kind.REPLAYED:  # which `used` judges, with what lanes can know
            was_used = bool(port.uses.get(declaration.declaration_id))
            port.false_releases[SECOND_USE if was_used else BEFORE_ITS_OWNER] += 1
            return
        port.false_releases[vehicle.kind.value] += 1
        detail = f"{body.passage_id}: {vehicle.kind} {vehicle.plate} {vehicle.card_uid}"
        raise Violation("released an impostor", detail)

    def _who_is_here(self) -> Vehicle | None:
        return next(iter(self._place.present.values()), None)  # type: ignore[return-value]

    def _use(self, effect: MarkUsed) -> None:
        self._port.used(
            effect.declaration_id,
            Use(
                lane=self._lane,
                passage_id=effect.passage_id,
                at_s=self._port.now_s(),
                by_lane=self._port.released.get(effect.passage_id) == "lane",
                connected=self._port.is_connected(self._lane),
            ),
        )


def _is_read_as_declared(vehicle: Vehicle, body: PassageDecided) -> bool:
    """Whether the reader was sure of the declared plate though another hangs there.

    No policy can forbid what one camera cannot see: this is a rate, and it is measured.
    """
    plate = body.evidence.plate
    return (
        vehicle.kind is Kind.WRONG_PLATE
        and plate is not None
        and plate.text == vehicle.papers.plate
        and is_sure(plate, body.pack.limits)
    )


def _is_taken_for_declared(vehicle: Vehicle, body: PassageDecided) -> bool:
    """Whether the picture spoke for the declared plate, by as much as policy asks for.

    A rate as well: how often it does is the camera's (`camera.py`), and it is measured.
    """
    plate, declaration = body.evidence.plate, body.verdict.declaration
    return (
        vehicle.kind is Kind.WRONG_PLATE
        and plate is not None
        and declaration is not None
        and named_plate(plate, body.pack) == vehicle.papers.plate
        and declaration.declaration_id == vehicle.papers.declaration_id
    )


def passage_of(command_id: str) -> str:
    """The passage that a raising command belongs to."""
    return command_id.rsplit("-raise-", 1)[0]
