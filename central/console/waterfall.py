"""The stages of a passage as bars along its time. Pure; lengths are per mille of the whole."""

from __future__ import annotations

from dataclasses import dataclass

from gate_agent.wire.v1 import Timeline

_STAGES = ("plate", "card", "weight", "decided", "raise_sent", "boom_up", "exit_clear")
# Sensing runs side by side from the arrival; each later stage follows the one before it.
_SENSING = frozenset({"plate", "card", "weight"})
_DRIVING_OUT = "exit_clear"  # the driver's own time: never the lane's slowest stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One stage. `start` and `length` are per mille of the longest time."""

    stage: str
    at_ms: int
    took_ms: int
    start: int
    length: int
    slowest: bool


def waterfall(timeline: Timeline) -> tuple[Bar, ...]:
    """Bars in order of the stages that happened; the lane's longest is marked."""
    reached = [
        (stage, at_ms)
        for stage in _STAGES
        if (at_ms := getattr(timeline, f"{stage}_ms")) is not None
    ]
    total_ms = max((at_ms for _, at_ms in reached), default=0) or 1
    spans: list[tuple[str, int, int]] = []
    before_ms = 0
    for stage, at_ms in reached:
        start_ms = 0 if stage in _SENSING else min(before_ms, at_ms)
        spans.append((stage, start_ms, at_ms))
        before_ms = max(before_ms, at_ms)
    longest_ms = max(
        (end - start for stage, start, end in spans if stage != _DRIVING_OUT), default=0
    )
    return tuple(
        Bar(
            stage=stage,
            at_ms=end,
            took_ms=end - start,
            start=round(1000 * start / total_ms),
            length=max(4, round(1000 * (end - start) / total_ms)),
            slowest=stage != _DRIVING_OUT and end - start == longest_ms > 0,
        )
        for stage, start, end in spans
    )
