"""What came of a chaos trial: each lane's records against its own database and the world."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from devices.sim.lane_world import VisitHandle
    from hil_tests.chaos.site import ChaosSite
    from hil_tests.rig import Papers

SETTLE_MS = 1_500  # a record belongs to a visit that it lies this near to


@dataclass(slots=True, kw_only=True)
class Visit:
    """One truck and what the boom did while it was there. Times are UTC ms."""

    papers: Papers
    may_leave: bool
    handle: VisitHandle
    entered_ms: int = 0
    left_ms: int = 0
    raises: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted."""

    cycles: int
    lanes: int
    seed: int
    seconds: float
    blows: dict[str, int]
    power_cut_by: str
    partition_by: str
    trucks: int
    passages: int
    records: int
    raises: int
    slowest_return_s: float
    lost_records: int
    lost_passages: int
    doubled_passages: int
    not_closed_once: int
    unrecorded_raises: int  # raised more often than there are releases on record
    wrong_openings: int  # raised for a truck that should not go
    violations: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether nothing at all was wrong."""
        counts = self.lost_records + self.lost_passages + self.doubled_passages
        counts += self.not_closed_once + self.unrecorded_raises + self.wrong_openings
        return counts == 0 and not self.violations and not self.problems


@dataclass(slots=True)
class LaneStory:
    """What happens to one lane; shared by its threads, each field written by one of them."""

    name: str
    planned: list[tuple[Papers, bool, float]]
    visits: list[Visit] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    returns_s: list[float] = field(default_factory=list)
    blows: Counter[str] = field(default_factory=Counter)
    present: Visit | None = None
    is_spared: threading.Event = field(default_factory=threading.Event)  # no more kills


def account_of(site: ChaosSite, story: LaneStory) -> Counter[str]:
    """One lane's records at the hub against its own database and against the world."""
    records = site.hub_records(story.name)
    right = site.right_times(story.name)
    bodies = [(right(at_ms), msgspec.json.decode(body)) for _, at_ms, _, _, body in records]
    opened = [(at_ms, b["passage_id"]) for at_ms, b in bodies if b["type"] == "passage_opened"]
    closed = Counter(b["passage_id"] for _, b in bodies if b["type"] == "passage_closed")
    releases = [at_ms for at_ms, body in bodies if _is_release(body)]
    gone = [visit for visit in story.visits if visit.left_ms]
    sums = Counter(
        trucks=len(gone),
        passages=len(opened),
        records=len(records),
        raises=sum(visit.raises for visit in story.visits),
        lost_records=len(site.missing(story.name)),
        not_closed_once=sum(closed[passage_id] != 1 for _, passage_id in opened),
    )
    for visit in gone:
        mine = [at_ms for at_ms, _ in opened if _is_within(at_ms, visit)]
        sums["lost_passages"] += not mine
        sums["doubled_passages"] += max(0, len(mine) - 1)
        allowed = sum(_is_within(at_ms, visit) for at_ms in releases)
        sums["unrecorded_raises"] += max(0, visit.raises - allowed)
        if not visit.may_leave:
            sums["wrong_openings"] += visit.raises + (visit.handle.left_by == "exit")
    return sums


def _is_release(body: dict[str, Any]) -> bool:
    return (body["type"], body.get("outcome")) == ("passage_decided", "release") or (
        (body["type"], body.get("decision")) == ("passage_overridden", "release")
    )


def _is_within(at_ms: int, visit: Visit) -> bool:
    return visit.entered_ms - SETTLE_MS <= at_ms <= visit.left_ms
