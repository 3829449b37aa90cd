"""What a dossier is judged by: verdicts made again, and what the clocks did meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gate_agent.domain.decision import Verdict, decide
from gate_agent.domain.handover import handed_over
from gate_agent.domain.records import PassageDecided
from gate_agent.domain.vocabulary import Instant

STEP_MS = 1_000
"""Clocks that part by more between two events were set; a slewed clock stays within this."""
_SLEW_PPM = 500  # the fastest at which a kernel slews
FIRST_TRUE_MS = 1_735_689_600_000
"""2025-01-01. A wall clock before this was not set: boxes without a battery wake up in 1970."""
_REBOOT_US = 1_000_000  # threads stamp their facts a moment apart; a restart goes back further


def replayed(decided: PassageDecided) -> Verdict:
    """The verdict made again from what its record carries."""
    if decided.handed_over_for is not None:
        return handed_over(decided.verdict_before, decided.handed_over_for)
    return decide(decided.evidence, decided.declarations, decided.pack, decided.wall_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """The wall clock went `by_ms` further than the monotonic one before the event `seq`."""

    seq: int
    by_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What the two clocks of a lane did while a passage lasted."""

    reboots: int = 0  # the monotonic clock began again
    steps: tuple[ClockStep, ...] = ()  # the wall clock was set, forward or back
    is_set: bool = True  # False: it once stood before `FIRST_TRUE_MS`


def clocks_of(moments: Iterable[tuple[int, Instant]]) -> Clocks:
    """Read it from the numbered moments of a journal, in order."""
    reboots, is_set = 0, True
    steps: list[ClockStep] = []
    before: Instant | None = None
    for seq, at in moments:
        is_set = is_set and at.wall_ms >= FIRST_TRUE_MS
        if before is not None and microseconds(at) < microseconds(before) - _REBOOT_US:
            reboots += 1
        elif before is not None:
            passed_ms = (microseconds(at) - microseconds(before)) // 1000
            by_ms = at.wall_ms - before.wall_ms - passed_ms
            if abs(by_ms) > STEP_MS + abs(passed_ms) * _SLEW_PPM // 1_000_000:
                steps.append(ClockStep(seq=seq, by_ms=by_ms))
        before = at
    return Clocks(reboots=reboots, steps=tuple(steps), is_set=is_set)


def microseconds(at: Instant) -> int:
    """The monotonic moment as a whole number."""
    return round(at.mono_s * 1_000_000)
