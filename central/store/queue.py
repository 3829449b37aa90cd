"""In which order a person should look at the vehicles that wait: risk times waiting time.

A vehicle of unknown risk passes one of high risk when it has waited one and a half times as long:
risk moves to the front, and nobody is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable

from central.store.rows import HeldPassage
from gate_agent.domain.manifest import Risk
from gate_agent.domain.reasons import Reason

WEIGHT = {Risk.LOW: 1, Risk.UNKNOWN: 2, Risk.HIGH: 3}
RISES_TO_HIGH = frozenset(
    reason.value
    for reason in (
        Reason.RISK_HIGH,
        Reason.AGENCY_HOLD,
        Reason.CARD_BLOCKED,
        Reason.PLATE_BLOCKED,
        Reason.WEIGHT_FAR_OFF,
        Reason.TRANSIT_LATE,
        Reason.DRAWN_FOR_INSPECTION,
    )
)
"""Found at the lane, whatever was declared."""


def risk_of(declared: str | None, reasons: Iterable[str]) -> Risk:
    """What a waiting vehicle counts as; nothing said of its risk is unknown, never low."""
    if RISES_TO_HIGH.intersection(reasons):
        return Risk.HIGH
    return Risk(declared) if declared in set(Risk) else Risk.UNKNOWN


def ranked(waiting: Iterable[HeldPassage], now_ms: int) -> tuple[HeldPassage, ...]:
    """The vehicles in the order in which they should be looked at."""

    def urgency(held: HeldPassage) -> int:
        since_ms = held.passage.decided_received_ms
        waited_ms = max(0, now_ms - since_ms) if since_ms is not None else 0
        return -WEIGHT[Risk(held.risk)] * (waited_ms + 1)

    return tuple(sorted(waiting, key=urgency))  # stable: of equals the longest wait first
