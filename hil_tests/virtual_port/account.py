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
from gate_agent.domain.pieces import is_sure
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.records import (
    CommandCarriedOut,
    PassageClosed,
    PassageDecided,
    PassageOpened,
    PassageOverridden,
)
from gate_agent.domain.vocabulary import Left, Mode, Outcome
from gate_agent.store.encoding import encode_event
from hil_tests.virtual_port.agent import KillPoint
from hil_tests.virtual_port.judge import ALONE_MARGIN_S, SPREAD_S, Release, Violation, judge
from hil_tests.virtual_port.rulebook import OFFLINE_SHARE_PERMILLE, ONLINE_AGE_MS
from hil_tests.virtual_port.script import Trip
from tests.lane_history import LaneHistory

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate_agent.domain.effects import Effect
    from gate_agent.domain.events import Stamped
    from gate_agent.domain.state import LaneState, Step
    from gate_agent.domain.vocabulary import CommandId
    from hil_tests.virtual_port.place import Place
    from hil_tests.virtual_port.registry import Registry
    from hil_tests.virtual_port.traffic import Vehicle

LISTS_S = 15.0  # by then every lane that hears the hub knows what is left of a list
LAST_STEPS = 12
SHOWN = 200  # characters of an event or effect


@dataclass(frozen=True, slots=True)
class Use:
    """A declaration used up by a lane itself."""

    lane: str
    passage_id: str
    at_s: float
    by_lane: bool  # False: a supervisor's release
    connected: bool  # the lane could hear the hub for a while


@dataclass(frozen=True, slots=True)
class Draw:
    """What a use took of an account."""

    use: Use
    declaration_id: str
    quantity: int


@dataclass(slots=True)
class Stay:
    """One passage, and who it really was."""

    lane: str
    passage_id: str
    vehicle: Vehicle | None
    at_s: float
    was_connected: bool  # when it came, and when it left
    was_clock_right: bool
    left_s: float | None = None
    left: Left | None = None
    ended: Outcome | None = None
    empty_kg: int | None = None  # what it really weighs, where it was released as empty


@dataclass(slots=True)
class PortAccount:
    """What all lanes did. `is_hub_put_back`: it has forgotten uses, rules and slips."""

    now_s: Callable[[], float]
    is_connected: Callable[[str], bool]  # whether a lane has heard the hub for a while
    heard_s: Callable[[str], float]  # when a lane was last told anything
    is_clock_right: Callable[[str], bool]
    registry: Registry
    trace: hashlib._Hash = field(default_factory=hashlib.sha256)
    counts: Counter[str] = field(default_factory=Counter)
    uses: dict[str, list[Use]] = field(default_factory=dict)
    draws: dict[str, list[Draw]] = field(default_factory=dict)  # by account
    slips: dict[str, tuple[str, str]] = field(default_factory=dict)  # lane and passage
    false_releases: Counter[str] = field(default_factory=Counter)
    passages: dict[str, Vehicle | None] = field(default_factory=dict)  # whom each is of
    stays: dict[str, Stay] = field(default_factory=dict)  # by passage, until it has ended
    stays_of: dict[str, list[Stay]] = field(default_factory=dict)  # by plate, as a lane named it
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

    def drew(self, account_id: str, draw: Draw) -> None:
        """A use took its quantity; more than is left is wrong where the lane could have known.

        A lane alone may take its share and no more, so that cut-off lanes together take no more
        than as many shares as they are.
        """
        before = self.draws.setdefault(account_id, [])
        if any(other.declaration_id == draw.declaration_id for other in before):
            return  # used twice, which `used` judges; it is taken once
        granted = self.registry.granted(account_id)
        if draw.use.by_lane and not self.is_hub_put_back:
            known = [d for d in before if d.use.lane == draw.use.lane or self._is_known(d, draw)]
            self._within(account_id, granted, sum(d.quantity for d in known), draw)
            self._within_its_share(account_id, granted, before, draw)
        before.append(draw)
        total = sum(each.quantity for each in before)
        self.counts["draws on lists"] += 1
        self.counts["lists overdrawn"] += total > granted >= total - draw.quantity

    def _is_known(self, other: Draw, draw: Draw) -> bool:
        after_s = draw.use.at_s - other.use.at_s
        return after_s > LISTS_S and self._could_know(other.use, draw.use, after_s)

    def _within(self, account_id: str, granted: int, known: int, draw: Draw) -> None:
        if known + draw.quantity > granted:
            raise Violation(
                "a list overdrawn by a lane that could know",
                f"{account_id} by {draw.use.passage_id}: {known} of {granted} taken,"
                f" then {draw.quantity}",
            )

    def _within_its_share(
        self, account_id: str, granted: int, before: list[Draw], draw: Draw
    ) -> None:
        lane, heard_s = draw.use.lane, self.heard_s(draw.use.lane)
        alone_s = draw.use.at_s - heard_s
        if alone_s < ONLINE_AGE_MS / 1000 + ALONE_MARGIN_S or not self.is_clock_right(lane):
            return
        own = [d for d in before if d.use.lane == lane and d.use.at_s > heard_s]
        taken = sum(d.quantity for d in own) + draw.quantity
        if taken * 1000 > granted * OFFLINE_SHARE_PERMILLE:
            raise Violation(
                "a list overdrawn by a lane alone",
                f"{account_id} by {draw.use.passage_id}: {taken} of {granted} within"
                f" {alone_s:.0f} s",
            )

    def slip_used(self, slip: str, lane: str, passage_id: str) -> None:
        """A vehicle was released on a numbered slip; a slip is written for one."""
        first = self.slips.setdefault(slip, (lane, passage_id))
        if first[1] == passage_id:
            return
        if first[0] == lane or not self.is_hub_put_back:
            raise Violation("a slip opened twice", f"{slip} for {first[1]}, then {passage_id}")

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
                self._opened(body.passage_id)
            case PassageDecided():
                self._decided(body)
            case PassageOverridden():
                port.commands[body.command_id] += 1
                self._overridden(body)
            case CommandCarriedOut():
                port.commands[body.command_id] += 1
            case PassageClosed():
                self._closed(body)
            case _:
                pass

    def _opened(self, passage_id: str) -> None:
        port, lane = self._port, self._lane
        port.passages[passage_id] = self._who_is_here()
        port.stays[passage_id] = Stay(
            lane=lane,
            passage_id=passage_id,
            vehicle=port.passages[passage_id],
            at_s=port.now_s(),
            was_connected=port.is_connected(lane),
            was_clock_right=port.is_clock_right(lane),
        )
        port.counts["passages"] += 1

    def _decided(self, body: PassageDecided) -> None:
        port, plate = self._port, body.evidence.plate
        port.counts[f"verdict {body.verdict.outcome.value}"] += 1
        stay = port.stays[body.passage_id]
        if plate is not None and is_sure(plate, body.pack.limits):
            named = port.stays_of.setdefault(plate.text, [])
            if stay not in named:
                named.append(stay)
        if body.verdict.outcome is not Outcome.RELEASE:
            return
        port.released[body.passage_id] = "lane"
        vehicle, declaration = stay.vehicle, body.verdict.declaration
        if vehicle is None or declaration is None:
            raise Violation("released nobody", body.passage_id)
        row = port.registry.rows.get(declaration.declaration_id)
        if row is None:
            raise Violation("released on papers of nobody who comes", body.passage_id)
        port.counts[f"released {vehicle.kind.value}"] += 1
        port.counts[f"released: {vehicle.truck.trip.value}"] += 1
        judge(
            Release(
                port=port,
                lane=self._lane,
                place=self._place,
                stay=stay,
                vehicle=vehicle,
                row=row,
                body=body,
            )
        )

    def _overridden(self, body: PassageOverridden) -> None:
        port = self._port
        if body.decision is not Outcome.RELEASE:
            return
        port.released[body.passage_id] = body.by
        if self.history.mode is Mode.EMERGENCY:
            if not body.slip:
                raise Violation("released in an emergency without a slip", body.passage_id)
            port.counts["released on slips"] += 1
        if body.slip:
            port.slip_used(body.slip, self._lane, body.passage_id)

    def _closed(self, body: PassageClosed) -> None:
        port = self._port
        port.counts[f"ended {body.outcome.value}"] += 1
        stay = port.stays.pop(body.passage_id)
        stay.left_s, stay.left, stay.ended = port.now_s(), body.left, body.outcome
        stay.was_connected &= port.is_connected(self._lane)
        stay.was_clock_right &= port.is_clock_right(self._lane)
        vehicle = stay.vehicle
        if vehicle is not None and vehicle.truck.trip is Trip.EMPTY:
            stay.empty_kg = vehicle.gross_kg

    def _who_is_here(self) -> Vehicle | None:
        return next(iter(self._place.present.values()), None)  # type: ignore[return-value]

    def _use(self, effect: MarkUsed) -> None:
        port = self._port
        use = Use(
            lane=self._lane,
            passage_id=effect.passage_id,
            at_s=port.now_s(),
            by_lane=port.released.get(effect.passage_id) == "lane",
            connected=port.is_connected(self._lane),
        )
        port.used(effect.declaration_id, use)
        for account_id, quantity in effect.draws_on:
            port.drew(account_id, Draw(use, effect.declaration_id, quantity))


def passage_of(command_id: str) -> str:
    """The passage that a raising command belongs to."""
    return command_id.rsplit("-raise-", 1)[0]
