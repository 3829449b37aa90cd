"""Holds what the hub has against what the traffic knows. Pure."""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from gate_agent.wire.v1 import Timeline

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
        return self.truck.is_faultless and not (released and gone)

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
    """Give each visit its passage: same lane, nearest arrival. A day of trucks takes a blink."""
    left: dict[str, list[HubPassage]] = {}
    for passage in sorted(passages, key=_arrival_ms):
        left.setdefault(passage.lane, []).append(passage)
    judged: list[Judged] = []
    lost: list[Visit] = []
    for visit in sorted(visits, key=lambda visit: visit.entered_ms):
        found = _take_nearest(visit, left.get(visit.truck.lane, []))
        if found is None:
            lost.append(visit)
        else:
            judged.append(Judged(visit=visit, passage=found))
    doubled = itertools.chain.from_iterable(left.values())
    return Judgement(judged=tuple(judged), lost=tuple(lost), doubled=tuple(doubled))


def _take_nearest(visit: Visit, passages: list[HubPassage]) -> HubPassage | None:
    """Take the nearest of a lane's passages, which are in the order of their arrival."""
    start = bisect.bisect_left(passages, visit.entered_ms - MATCH_MS, key=_arrival_ms)
    end = bisect.bisect_right(passages, visit.entered_ms + MATCH_MS, key=_arrival_ms)
    nearest = min(
        range(start, end),
        key=lambda index: abs(passages[index].arrived_at_ms - visit.entered_ms),
        default=None,
    )
    return None if nearest is None else passages.pop(nearest)


def _arrival_ms(passage: HubPassage) -> int:
    return passage.arrived_at_ms


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
