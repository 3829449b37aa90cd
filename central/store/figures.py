"""How fast the lanes were, what share they released themselves, and what stopped the rest."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field

import msgspec

_REASONS_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How often a reason stood in a verdict that was no release."""

    reason: str
    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFigures:
    """One lane, or all of them ("" for a name), over vehicles that came in a period.

    Times are from the arrival to the boom being up, of vehicles that the lane released itself, by
    nearest rank; None: there was none. `waited_p95_ms`: from the verdict to a person's decision.
    """

    lane: str
    passages: int
    automatic: int  # released by the lane itself
    by_person: int  # released by a person
    turned_away: int  # inspected, refused, or left
    automatic_permille: int | None
    p50_ms: int | None
    p95_ms: int | None
    waited_p95_ms: int | None
    exceptions: tuple[ReasonCount, ...]  # the most frequent first


@dataclass(slots=True)
class _Tally:
    passages: int = 0
    automatic: int = 0
    by_person: int = 0
    up_ms: list[int] = field(default_factory=list)
    waited_ms: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def figures(db: sqlite3.Connection, *, from_ms: int, to_ms: int) -> tuple[LaneFigures, ...]:
    """All lanes together, then each by name, over closed passages that began in the period."""
    tallies: dict[str, _Tally] = {"": _Tally()}
    rows = db.execute(
        "SELECT lane, outcome, decided_by, reasons, json_extract(timeline, '$.boom_up_ms'),"
        " overridden_at_ms - decided_at_ms FROM passages"
        " WHERE first_at_ms >= ? AND first_at_ms < ? AND closed_at_ms IS NOT NULL",
        [from_ms, to_ms],
    )
    for lane, outcome, decided_by, reasons, up_ms, waited_ms in rows:
        named = msgspec.json.decode(reasons, type=list[str]) if reasons else []
        for tally in (tallies[""], tallies.setdefault(lane, _Tally())):
            tally.passages += 1
            tally.reasons.update(named)
            if waited_ms is not None and waited_ms >= 0:
                tally.waited_ms.append(waited_ms)
            if outcome == "release" and decided_by == "lane":
                tally.automatic += 1
                if up_ms is not None:
                    tally.up_ms.append(up_ms)
            elif outcome == "release":
                tally.by_person += 1
    return tuple(_figures(lane, tallies[lane]) for lane in sorted(tallies))


def _figures(lane: str, tally: _Tally) -> LaneFigures:
    count = tally.passages
    return LaneFigures(
        lane=lane,
        passages=count,
        automatic=tally.automatic,
        by_person=tally.by_person,
        turned_away=count - tally.automatic - tally.by_person,
        automatic_permille=round(tally.automatic * 1000 / count) if count else None,
        p50_ms=at_rank(tally.up_ms, 500),
        p95_ms=at_rank(tally.up_ms, 950),
        waited_p95_ms=at_rank(tally.waited_ms, 950),
        exceptions=tuple(
            ReasonCount(reason=reason, passages=times)
            for reason, times in sorted(tally.reasons.items(), key=lambda each: (-each[1], each[0]))
        )[:_REASONS_NAMED],
    )


def at_rank(values: list[int], permille: int) -> int | None:
    """The value that so many thousandths of all do not exceed; None: there is none."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * permille // 1000) - 1] if ordered else None
