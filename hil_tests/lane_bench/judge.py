"""What a lane's own records must say of a scenario. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.sim.faults.table import FAULTS, Allows
from devices.sim.faults.turns import EARLIER_CARD
from hil_tests.lane_bench.scenario import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil_tests.lane_bench.scenario import Scenario

RECOVERY_MAX_MS = 3_000
FORCED, WELDED = "boom_forced", "board_raise_relay_welded"
OPENED_BY_FAULT = "opened_for_nobody"  # by hand, or by the contact itself: the lane did not
TOLD_AFTER_MS = 2_500  # a fault that lasts this long before anything else must be on record


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRecord:
    """One record of the lane as the hub stored it. `at_ms` is UTC epoch milliseconds."""

    at_ms: int
    body: dict[str, Any]

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.body["type"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen from outside while a scenario was played. Times are UTC ms."""

    records: tuple[LaneRecord, ...]
    violations: tuple[str, ...] = ()
    raises: int = 0  # of a boom that was down
    left_by: str | None = None
    on_ms: int | None = None  # the fault came
    off_ms: int | None = None  # and went
    was_let_in_ms: int | None = None


def problems(scenario: Scenario, seen: Seen) -> list[str]:
    """Everything that is wrong; empty where the lane did what it must."""
    by_fault = (OPENED_BY_FAULT,) if scenario.fault in (FORCED, WELDED) else ()
    return [
        *(violation for violation in seen.violations if not violation.startswith(by_fault)),
        *_played(scenario, seen),
        *_ends(seen),
        *_boom(scenario, seen),
        *_forbidden(scenario, seen),
        *_conditions(scenario, seen),
        *_expected(scenario, seen),
    ]


def recovery_ms(scenario: Scenario, seen: Seen) -> int | None:
    """From the end of the fault to the lane's own word that it is over; None: not told."""
    fault = FAULTS[scenario.fault] if scenario.fault else None
    if fault is None or fault.code is None or seen.off_ms is None:
        return None
    cleared = [
        record.at_ms
        for record in _of(seen, "fault_changed")
        if record.body["code"] == fault.code and not record.body["raised"]
    ]
    return max(0, cleared[-1] - seen.off_ms) if cleared else None


def unproved_releases(scenario: Scenario, seen: Seen) -> int:
    """Releases by the lane itself while a fault lasted that forbids them."""
    fault = FAULTS[scenario.fault] if scenario.fault else None
    if fault is None or fault.allows is not Allows.NOTHING or seen.on_ms is None:
        return 0
    is_early = scenario.phase is Phase.BEFORE
    is_early |= scenario.phase is Phase.CAPTURING and fault.device != "camera"
    until_ms = seen.off_ms if seen.off_ms is not None else 1 << 62
    times_ms = [record.at_ms for record in _releases(seen)]
    return sum(is_early and seen.on_ms <= at_ms < until_ms for at_ms in times_ms)


def _of(seen: Seen, kind: str) -> list[LaneRecord]:
    return [record for record in seen.records if record.kind == kind]


def _releases(seen: Seen) -> list[LaneRecord]:
    return [one for one in _of(seen, "passage_decided") if one.body["outcome"] == "release"]


def _played(scenario: Scenario, seen: Seen) -> Iterator[str]:
    """A fault that never came has proved nothing, whatever the lane did."""
    if scenario.fault is not None and seen.on_ms is None:
        yield f"the fault never came: {scenario.fault}, {scenario.phase}"


def _ends(seen: Seen) -> Iterator[str]:
    closed = Counter(record.body["passage_id"] for record in _of(seen, "passage_closed"))
    for record in _of(seen, "passage_opened"):
        times = closed[record.body["passage_id"]]
        if times != 1:
            yield f"passage {record.body['passage_id']} was closed {times} times"


def _boom(scenario: Scenario, seen: Seen) -> Iterator[str]:
    """Nothing rises without a release on record, nobody leaves without one.

    A raise contact that welds opens the boom, once.
    """
    by_person = [
        record for record in _of(seen, "passage_overridden") if record.body["decision"] == "release"
    ]
    allowed = len(_releases(seen)) + len(by_person)
    if seen.raises > allowed + (scenario.fault == WELDED):
        yield f"the boom was opened {seen.raises} times for {allowed} releases on record"
    if seen.left_by == "exit" and not allowed:
        yield "the truck left by the exit without a release on record"


def _forbidden(scenario: Scenario, seen: Seen) -> Iterator[str]:
    if count := unproved_releases(scenario, seen):
        yield f"the lane released {count} times while {scenario.fault} lasted"
    for record in _releases(seen):
        card = (record.body["evidence"].get("card") or {}).get("uid", "")
        if card == EARLIER_CARD:
            yield "released on the card of another driver"


def _conditions(scenario: Scenario, seen: Seen) -> Iterator[str]:
    """The lasting condition is on record, and is over when the fault is."""
    fault = FAULTS[scenario.fault] if scenario.fault else None
    if fault is None or fault.code is None or seen.on_ms is None or seen.off_ms is None:
        return
    told = [one for one in _of(seen, "fault_changed") if one.body["code"] == fault.code]
    if not any(one.body["raised"] for one in told):
        if scenario.phase is Phase.BEFORE and seen.off_ms - seen.on_ms >= TOLD_AFTER_MS:
            yield f"{fault.code} is not on record"
        return
    if told[-1].body["raised"]:
        yield f"{fault.code} is still on record after the fault was gone"
    took_ms = recovery_ms(scenario, seen)
    if took_ms is not None and took_ms > RECOVERY_MAX_MS:
        yield f"{fault.code} was over only {took_ms} ms after the fault"


def _expected(scenario: Scenario, seen: Seen) -> Iterator[str]:
    expected = scenario.expected
    decided, closed = _of(seen, "passage_decided"), _of(seen, "passage_closed")
    verdict = decided[-1].body if decided else {}
    end = closed[-1].body if closed else {}
    if expected.outcome and verdict.get("outcome") != expected.outcome:
        reasons = ", ".join(verdict.get("reasons", ())) or "no reason"
        yield f"verdict {verdict.get('outcome')} ({reasons}) instead of {expected.outcome}"
    if expected.reason and expected.reason not in verdict.get("reasons", ()):
        yield f"{expected.reason} is not among {', '.join(verdict.get('reasons', ()))}"
    if expected.left and seen.left_by != expected.left:
        yield f"left by the {seen.left_by} instead of the {expected.left}"
    by_person = bool(end) and end["decided_by"] not in ("lane", "")
    if expected.by and by_person != (expected.by == "person"):
        yield f"decided by {end.get('decided_by')!r} instead of the {expected.by}"
