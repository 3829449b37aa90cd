"""Arming and disarming deadlines on a lane. Tokens never repeat within one lane database."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.effects import ArmDeadline
from gate_agent.domain.events import DeadlineExpired, Event
from gate_agent.domain.state import Armed, DeadlineKind, LaneState, Step


def arm(lane: LaneState, kind: DeadlineKind, after_s: float) -> Step:
    """Start a deadline; one of the same kind that was running is forgotten."""
    token = lane.token_count + 1
    others = tuple(armed for armed in lane.deadlines if armed.kind is not kind)
    lane = replace(lane, token_count=token, deadlines=(*others, Armed(kind=kind, token=token)))
    return Step(lane, (ArmDeadline(token=token, after_s=after_s),))


def disarm(lane: LaneState, *kinds: DeadlineKind) -> LaneState:
    """Forget the deadlines of these kinds; when they expire they are ignored."""
    kept = tuple(armed for armed in lane.deadlines if armed.kind not in kinds)
    return lane if len(kept) == len(lane.deadlines) else replace(lane, deadlines=kept)


def is_armed(lane: LaneState, kind: DeadlineKind) -> bool:
    """Whether a deadline of this kind is running."""
    return any(armed.kind is kind for armed in lane.deadlines)


def keep_armed(before: LaneState, event: Event, after: Step, kind: DeadlineKind) -> Step:
    """Let a deadline that was running go on where the step forgot it with the passage's own."""
    expired = event.token if isinstance(event, DeadlineExpired) else None
    running = [each for each in before.deadlines if each.kind is kind and each.token != expired]
    if not running or is_armed(after.lane, kind):
        return after
    lane = replace(after.lane, deadlines=(*after.lane.deadlines, *running))
    return Step(lane, after.effects)


def kind_of(lane: LaneState, token: int) -> DeadlineKind | None:
    """The kind of a running deadline; None for a token that is no longer armed."""
    return next((armed.kind for armed in lane.deadlines if armed.token == token), None)
