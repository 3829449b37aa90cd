"""Vehicles through the real lane into a real `lane.db`: dossiers to replay, from one seed.

No devices and no waiting: events with made-up moments go into `step` and `LaneStore`. The vehicles
differ in what decides: plate, card, papers, weight, holds, faults, manifest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from gate_agent.domain.effects import ArmDeadline, ClaimDeclaration, FindDeclarations
from gate_agent.domain.events import (
    AgentStarted,
    BarrierMoved,
    CardPresented,
    ClaimAnswered,
    DeadlineExpired,
    DeclarationsFound,
    Event,
    FaultCleared,
    FaultRaised,
    InputsChanged,
    Overridden,
    PlateRead,
    Stamped,
    WeightObserved,
)
from gate_agent.domain.evidence import ClaimState, FrameReading, PlateCandidate
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.lane import step
from gate_agent.domain.manifest import Declaration, Documents, ManifestStatus
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.vocabulary import (
    Barrier,
    CommandId,
    DeclarationId,
    Instant,
    Outcome,
    Phase,
    WeightState,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate_agent.store.lane_store import LaneStore

HOUR_MS = 3_600_000
START = Instant(1_000.0, 1_790_000_000_000)


@dataclass
class SealedTraffic:
    """One lane and the vehicles that come to it. `time_commit` measures the lane's commits."""

    store: LaneStore
    random: Random
    time_commit: Callable[[Callable[[], None]], None]
    at: Instant = START
    due: dict[int, float] = field(default_factory=dict)
    inputs: InputsChanged = field(
        default=InputsChanged(entry_loop=False, front_beam=False, rear_beam=False, exit_loop=False)
    )
    papers: tuple[Declaration, ...] = ()
    manifest: ManifestStatus = field(default=ManifestStatus(version=7))

    def begin(self) -> None:
        """The agent comes up over an empty lane."""
        self._happens(AgentStarted(policy=ReleasePolicy(), version="bench"))
        self._sees()
        self._happens(BarrierMoved(position=Barrier.CLOSED))
        self._weighs(WeightState.EMPTY, 0)

    def vehicle(self, number: int) -> None:
        """One vehicle comes, is judged, and leaves by the exit or the way it came."""
        random = self.random
        plate, card = f"粤B{random.randrange(100_000):05d}", f"{random.randrange(1 << 32):08X}"
        declared_kg = random.randrange(8_000, 49_000)
        self._declare(number, plate, card, declared_kg)
        fault = random.choice(list(FaultCode)) if random.random() < 0.05 else None
        if fault is not None:
            self._happens(FaultRaised(code=fault))
        self._sees(entry_loop=True)
        self._passes(1.0)
        self._is_read(plate)
        self._drives_on(declared_kg + round(random.gauss(0, 300)))
        if random.random() < 0.95:
            self._happens(CardPresented(uid=card if random.random() < 0.95 else "0BAD"))
        if self.store.lane.phase is Phase.GATHERING:
            self._passes(60.0)
        if self.store.lane.phase is not Phase.RELEASING and random.random() < 0.5:
            self._decide()
        if self.store.lane.phase is Phase.RELEASING:
            self._drives_out()
        else:
            self._backs_out()
        if fault is not None:
            self._happens(FaultCleared(code=fault))
        self._passes(random.uniform(1.0, 30.0))

    def _declare(self, number: int, plate: str, card: str, gross_kg: int) -> None:
        random, now_ms = self.random, self.at.wall_ms
        shift_ms = random.choice([0] * 18 + [-6 * HOUR_MS, 6 * HOUR_MS])
        paper = Declaration(
            declaration_id=DeclarationId(f"D{number}"),
            plates=(plate,) if random.random() < 0.95 else ("粤B00000",),
            card_uid=card,
            gross_kg=gross_kg if random.random() < 0.9 else gross_kg + 2_000,
            valid_from_ms=now_ms - HOUR_MS + shift_ms,
            valid_until_ms=now_ms + HOUR_MS + shift_ms,
            documents=random.choice([Documents.RELEASED] * 18 + [*Documents]),
            holds=random.choice([()] * 19 + [("customs",)]),
        )
        second = replace(paper, declaration_id=DeclarationId(f"D{number}b"))
        self.papers = random.choice([(paper,)] * 18 + [(), (paper, second)])
        age_s = random.choice([0.5] * 19 + [5 * 3600.0])
        self.manifest = ManifestStatus(version=7, confirmed_at=_later(self.at, -age_s))

    # -- what happens in a lane

    def _is_read(self, plate: str) -> None:
        passage = self.store.lane.passage
        while passage is not None and not passage.plate_done:
            self._happens(
                PlateRead(
                    passage_id=passage.passage_id,
                    attempt=passage.plate_attempt,
                    text=plate if self.random.random() < 0.97 else "",
                    plate_class="mainland",
                    confidence_permille=self.random.choice([997, 995, 990, 985, 900]),
                    frames_agreed=self.random.choice([3, 3, 2, 1]),
                    frames_seen=3,
                    picture_id=f"{self.random.getrandbits(256):064x}",
                    model_id="bench",
                    candidates=self._candidates(plate),
                    none_milli_nats=-7_000,
                    readings=_readings(plate),
                )
            )
            passage = self.store.lane.passage

    def _candidates(self, plate: str) -> tuple[PlateCandidate, ...]:
        """The plate itself, and now and then a declared neighbor."""
        own = PlateCandidate(text=plate, milli_nats=-2)
        if self.random.random() < 0.9:
            return (own,)
        neighbor = f"{plate[:-1]}{(int(plate[-1]) + 1) % 10}"
        return own, PlateCandidate(text=neighbor, milli_nats=-self.random.randrange(2_000, 20_000))

    def _drives_on(self, kg: int) -> None:
        self._sees(rear_beam=True)
        for share in (3, 2, 1):
            self._weighs(WeightState.MOVING, kg // share + self.random.randrange(200))
            self._passes(1.0)
        self._sees(entry_loop=False)
        self._sees(rear_beam=False)
        for _ in range(self.random.randrange(3, 12)):
            self._passes(0.1)
            self._weighs(WeightState.MOVING, kg + self.random.randrange(-200, 200))
        self._passes(1.0)
        self._weighs(WeightState.SETTLED, kg // 20 * 20)

    def _decide(self) -> None:
        passage = self.store.lane.passage
        if passage is None:
            return
        self._happens(
            Overridden(
                command_id=CommandId(f"c-{passage.passage_id}"),
                passage_id=passage.passage_id,
                decision=self.random.choice([Outcome.RELEASE, Outcome.REFUSE]),
                by="li.wei",
                reason="bench",
                expires_at_ms=self.at.wall_ms + 20_000,
            )
        )

    def _drives_out(self) -> None:
        for position in (Barrier.OPENING, Barrier.OPEN):
            self._passes(1.0)
            self._happens(BarrierMoved(position=position))
        self._sees(front_beam=True)
        self._weighs(WeightState.MOVING, 20_000)
        self._sees(exit_loop=True)
        self._weighs(WeightState.EMPTY, 0)
        self._sees(front_beam=False)
        self._sees(exit_loop=False)
        self._passes(2.0)
        for position in (Barrier.CLOSING, Barrier.CLOSED):
            self._happens(BarrierMoved(position=position))

    def _backs_out(self) -> None:
        self._sees(rear_beam=True, entry_loop=True)
        self._weighs(WeightState.MOVING, 9_000)
        self._sees(rear_beam=False)
        self._weighs(WeightState.EMPTY, 0)
        self._sees(entry_loop=False)
        self._passes(3.0)

    def _sees(self, **changed: bool) -> None:
        self.inputs = replace(self.inputs, **changed)
        self._happens(self.inputs)

    def _weighs(self, state: WeightState, kg: int) -> None:
        window = tuple(kg + self.random.randrange(-20, 21) for _ in range(10))
        self._happens(WeightObserved(state=state, gross_kg=kg, division_kg=20, window_kg=window))

    # -- time

    def _happens(self, event: Event) -> None:
        stamped = Stamped(event, self.at)
        after = step(self.store.lane, event, self.at)
        self.time_commit(lambda: self.store.commit(stamped, after))
        for effect in after.effects:
            match effect:
                case ArmDeadline():
                    self.due[effect.token] = self.at.mono_s + effect.after_s
                case FindDeclarations():
                    self._happens(
                        DeclarationsFound(
                            token=effect.token, declarations=self.papers, manifest=self.manifest
                        )
                    )
                case ClaimDeclaration():
                    self._happens(ClaimAnswered(token=effect.token, state=ClaimState.GRANTED))
                case _:
                    pass

    def _passes(self, seconds: float) -> None:
        end = _later(self.at, seconds)
        while ready := [(due_s, token) for token, due_s in self.due.items() if due_s <= end.mono_s]:
            due_s, token = min(ready)
            del self.due[token]
            self.at = _later(self.at, max(0.0, due_s - self.at.mono_s))
            self._happens(DeadlineExpired(token=token))
        self.at = end


def _readings(plate: str) -> tuple[FrameReading, ...]:
    """As many bytes as three frames that agree give a real record."""
    return tuple(
        FrameReading(
            frame=1_000_000 + number,
            text=plate,
            ppm=987_654,
            left=412,
            top=310,
            right=540,
            bottom=352,
        )
        for number in range(3)
    )


def _later(at: Instant, seconds: float) -> Instant:
    return Instant(at.mono_s + seconds, at.wall_ms + round(seconds * 1000))
