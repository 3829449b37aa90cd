"""How safely the lanes ran in a period: alarms, openings without a release, faults, emergencies."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass

import msgspec

from gate_agent.domain.records import Alarm
from gate_agent.wire.v1 import CommandCarriedOut, FaultChanged

OPENED = (
    Alarm.LEFT_UNRELEASED.value,
    Alarm.TAILGATING.value,
    Alarm.BOOM_FORCED.value,
    Alarm.BOOM_LEFT_OPEN.value,
    Alarm.WRONG_WAY.value,
)
"""Somebody came through, or could have, whom nobody had released."""
EVENTS_NAMED = 200
_OPENINGS = (
    "SELECT at_ms, lane, code, passage_id, acknowledged_by, detail FROM alarms"
    " WHERE at_ms >= ? AND at_ms < ? AND code IN (?,?,?,?,?) ORDER BY at_ms LIMIT ?"
)
_Body = FaultChanged | CommandCarriedOut
_body = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCount:
    """One code of alarm on one lane."""

    lane: str
    code: str
    times: int
    seen: int  # of them a person has seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One time that the lane was or could have been passed without a release."""

    at_ms: int
    lane: str
    code: str
    passage_id: str | None
    seen_by: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTime:
    """How often a fault came on a lane, and how long it lasted within the period."""

    lane: str
    code: str
    times: int
    lasted_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyDeed:
    """A lane that was put into an emergency, or out of one."""

    at_ms: int
    lane: str
    mode: str
    kind: str
    by: str
    reason: str
    local: bool  # ordered at the lane itself


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorFigures:
    """What one person decided about held vehicles."""

    by: str
    released: int
    inspected: int
    refused: int
    on_slips: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStanding:
    """Whether the hub has everything of a lane, now."""

    lane: str
    lost: int
    chain_breaks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyReport:
    """One period, UTC epoch milliseconds by the lanes' clocks."""

    from_ms: int
    to_ms: int
    passages: int
    alarms: tuple[AlarmCount, ...]
    openings: tuple[Opening, ...]  # at most 200 are named; `alarms` counts all
    faults: tuple[FaultTime, ...]
    emergencies: tuple[EmergencyDeed, ...]
    operators: tuple[OperatorFigures, ...]
    chains: tuple[ChainStanding, ...]  # of lanes of which something is wrong


def report(db: sqlite3.Connection, *, from_ms: int, to_ms: int, now_ms: int) -> SafetyReport:
    """Everything of one period."""
    span = [from_ms, to_ms]
    (passages,) = db.execute(
        "SELECT count(*) FROM passages WHERE first_at_ms >= ? AND first_at_ms < ?", span
    ).fetchone()
    alarms = db.execute(
        "SELECT lane, code, count(*), count(acknowledged_by) FROM alarms"
        " WHERE at_ms >= ? AND at_ms < ? GROUP BY lane, code ORDER BY 3 DESC, lane, code",
        span,
    )
    changes = _changes(db, from_ms, to_ms)
    return SafetyReport(
        from_ms=from_ms,
        to_ms=to_ms,
        passages=passages,
        alarms=tuple(
            AlarmCount(lane=lane, code=code, times=times, seen=seen)
            for lane, code, times, seen in alarms
        ),
        openings=_openings(db, from_ms, to_ms),
        faults=_faults(db, changes, from_ms, min(to_ms, now_ms)),
        emergencies=tuple(_emergencies(changes)),
        operators=_operators(db, from_ms, to_ms),
        chains=tuple(
            ChainStanding(lane=lane, lost=lost, chain_breaks=breaks)
            for lane, lost, breaks in db.execute(
                "SELECT lane, sum(lost), sum(chain_breaks) FROM lane_epochs GROUP BY lane"
                " HAVING sum(lost) + sum(chain_breaks) > 0 ORDER BY lane"
            )
        ),
    )


_Change = tuple[str, str, int, _Body]


def _changes(db: sqlite3.Connection, from_ms: int, to_ms: int) -> list[_Change]:
    """What began and ended on the lanes, each lane's in its own order."""
    rows = db.execute(
        "SELECT lane, epoch, at_ms, body FROM records"
        " WHERE type IN ('fault_changed', 'command_carried_out') AND at_ms >= ? AND at_ms < ?"
        " ORDER BY lane, at_ms, seq",
        [from_ms, to_ms],
    )
    return [(lane, epoch, at_ms, _body.decode(body)) for lane, epoch, at_ms, body in rows]


def _openings(db: sqlite3.Connection, from_ms: int, to_ms: int) -> tuple[Opening, ...]:
    rows = db.execute(_OPENINGS, [from_ms, to_ms, *OPENED, EVENTS_NAMED])
    return tuple(
        Opening(at_ms=at, lane=lane, code=code, passage_id=passage, seen_by=seen, detail=detail)
        for at, lane, code, passage, seen, detail in rows
    )


def _faults(
    db: sqlite3.Connection, changes: list[_Change], from_ms: int, until_ms: int
) -> tuple[FaultTime, ...]:
    """How long each fault lasted within the period, also where it began or ended outside."""
    times: Counter[tuple[str, str]] = Counter()
    lasted_ms: Counter[tuple[str, str]] = Counter()
    since: dict[tuple[str, str, str], int] = {}
    changed: set[tuple[str, str, str]] = set()
    for lane, epoch, at_ms, body in changes:
        if not isinstance(body, FaultChanged):
            continue
        key = (lane, epoch, body.code)
        if body.raised:
            times[lane, body.code] += 1
            since.setdefault(key, at_ms)
        else:
            began_ms = since.pop(key, None if key in changed else from_ms)
            if began_ms is not None:
                lasted_ms[lane, body.code] += at_ms - began_ms
        changed.add(key)
    for lane, epoch, code in db.execute(
        "SELECT lane, epoch, code FROM faults WHERE raised = 1 AND at_ms < ?", [from_ms]
    ):
        since.setdefault((lane, epoch, code), from_ms)
    for (lane, _, code), began_ms in since.items():
        lasted_ms[lane, code] += max(0, until_ms - began_ms)
    return tuple(
        FaultTime(lane=lane, code=code, times=times[lane, code], lasted_ms=lasted_ms[lane, code])
        for lane, code in sorted(times.keys() | lasted_ms.keys())
    )


def _emergencies(changes: list[_Change]) -> list[EmergencyDeed]:
    """Into an emergency, from one kind to another, and out of it."""
    found: list[EmergencyDeed] = []
    in_emergency: set[str] = set()
    for lane, _, at_ms, body in changes:
        if not isinstance(body, CommandCarriedOut) or not body.mode:
            continue
        if body.emergency or lane in in_emergency:
            found.append(
                EmergencyDeed(
                    at_ms=at_ms, lane=lane, mode=body.mode, kind=body.emergency, by=body.by,
                    reason=body.reason, local=body.local,
                )
            )  # fmt: skip
        (in_emergency.add if body.emergency else in_emergency.discard)(lane)
    return found


def _operators(db: sqlite3.Connection, from_ms: int, to_ms: int) -> tuple[OperatorFigures, ...]:
    rows = db.execute(
        "SELECT override_by, sum(override_decision = 'release'),"
        " sum(override_decision = 'inspect'), sum(override_decision = 'refuse'),"
        " count(override_slip) FROM passages WHERE override_by IS NOT NULL"
        " AND first_at_ms >= ? AND first_at_ms < ? GROUP BY override_by ORDER BY override_by",
        [from_ms, to_ms],
    )
    return tuple(
        OperatorFigures(by=by, released=released, inspected=inspected, refused=refused, on_slips=on)
        for by, released, inspected, refused, on in rows
    )
