"""Holds what the hub has against what the traffic knows. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from gate_agent.wire.v1 import Timeline
from hil_tests.demo.traffic import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hil_tests.demo.traffic import PlannedTruck

MATCH_MS = 4_000
"""A passage belongs to the truck that reached the entry loop within so long of its arrival."""


class HubPassage(msgspec.Struct, frozen=True, kw_only=True):
    """A closed passage as the hub has it."""

    passage_id: str
    lane: str
    arrived_at_ms: int
    verdict: str
    outcome: str
    decided_by: str
    left: str
    plate: str | None
    reasons: tuple[str, ...]
    timeline: Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A truck that has been in a lane, by what the world saw. Times are UTC ms and seconds."""

    truck: PlannedTruck
    entered_ms: int
    left_by: Literal["exit", "entry"]
    stopped_to_boom_up_s: float | None  # None: the boom did not go up for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A visit and the passage that the hub has of it."""

    visit: Visit
    passage: HubPassage

    @property
    def truck(self) -> PlannedTruck:
        """The truck as planned."""
        return self.visit.truck

    @property
    def is_wrong_release(self) -> bool:
        """It went out through the exit and should not have."""
        return self.visit.left_by == "exit" and not self.truck.may_leave

    @property
    def is_wrong_hold(self) -> bool:
        """Nothing was the matter with it, and the lane itself did not release it."""
        released = self.passage.outcome == "release" and self.passage.decided_by == "lane"
        gone = self.visit.left_by == "exit"
        return self.truck.kind is Kind.FAULTLESS and not (released and gone)

    @property
    def is_wrong(self) -> bool:
        """Either way."""
        return self.is_wrong_release or self.is_wrong_hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All visits against all passages."""

    judged: tuple[Judged, ...]
    lost: tuple[Visit, ...]  # visits that the hub knows nothing of
    doubled: tuple[HubPassage, ...]  # passages that belong to no truck


def judge(visits: Iterable[Visit], passages: Iterable[HubPassage]) -> Judgement:
    """Give each visit its passage: same lane, nearest arrival."""
    left = list(passages)
    judged: list[Judged] = []
    lost: list[Visit] = []
    for visit in sorted(visits, key=lambda visit: visit.entered_ms):
        passage = _nearest(visit, left)
        if passage is None:
            lost.append(visit)
            continue
        left.remove(passage)
        judged.append(Judged(visit=visit, passage=passage))
    return Judgement(judged=tuple(judged), lost=tuple(lost), doubled=tuple(left))


def _nearest(visit: Visit, passages: Sequence[HubPassage]) -> HubPassage | None:
    def distance_ms(passage: HubPassage) -> int:
        return abs(passage.arrived_at_ms - visit.entered_ms)

    candidates = [
        passage
        for passage in passages
        if passage.lane == visit.truck.lane and distance_ms(passage) <= MATCH_MS
    ]
    return min(candidates, key=distance_ms, default=None)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How a measured time is distributed; None where nothing was measured."""

    n: int
    p50: float | None
    p95: float | None


class LongSpread(Spread, frozen=True, kw_only=True):
    """The same with its far end."""

    p99: float | None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What `make run … JSON=` writes."""

    lanes: int
    seconds: float
    passages: int
    released: int
    held: int
    inspected: int
    refused: int
    wrong_releases: int
    wrong_holds: int
    lost: int
    duplicates: int
    unsynced: int
    decision_ms: LongSpread
    stopped_to_boom_up_s: Spread

    @property
    def is_good(self) -> bool:
        """Whether the run may exit with 0."""
        wrong = self.wrong_releases + self.wrong_holds
        return self.released > 0 and wrong + self.lost + self.duplicates + self.unsynced == 0


def summarize(judgement: Judgement, *, lanes: int, seconds: float, unsynced: int) -> Summary:
    """Count. Outcomes are the lanes' own verdicts; what a supervisor did comes after them."""
    judged = judgement.judged
    own = [one for one in judged if one.passage.verdict == "release"]
    decisions_ms = [
        one.passage.timeline.decision_us / 1000
        for one in own
        if one.passage.timeline.decision_us is not None
    ]
    booms_s = [
        one.visit.stopped_to_boom_up_s for one in own if one.visit.stopped_to_boom_up_s is not None
    ]
    return Summary(
        lanes=lanes,
        seconds=round(seconds, 1),
        passages=len(judged) + len(judgement.lost),
        released=len(own),
        held=_count(judged, "hold"),
        inspected=_count(judged, "inspect"),
        refused=_count(judged, "refuse"),
        wrong_releases=sum(one.is_wrong_release for one in judged),
        wrong_holds=sum(one.is_wrong_hold for one in judged),
        lost=len(judgement.lost),
        duplicates=len(judgement.doubled),
        unsynced=unsynced,
        decision_ms=LongSpread(
            n=len(decisions_ms),
            p50=_rounded(percentile(decisions_ms, 50), 1),
            p95=_rounded(percentile(decisions_ms, 95), 1),
            p99=_rounded(percentile(decisions_ms, 99), 1),
        ),
        stopped_to_boom_up_s=Spread(
            n=len(booms_s),
            p50=_rounded(percentile(booms_s, 50), 2),
            p95=_rounded(percentile(booms_s, 95), 2),
        ),
    )


def _count(judged: Sequence[Judged], verdict: str) -> int:
    return sum(one.passage.verdict == verdict for one in judged)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
