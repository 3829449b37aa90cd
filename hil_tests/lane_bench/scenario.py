"""What is played on a lane: one truck, perhaps one fault in one phase, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Decision = Literal["release", "refuse", "inspect"]


class Phase(StrEnum):
    """When a fault comes, by what the lane itself has committed."""

    BEFORE = "before"  # the lane is empty and the truck not there yet
    ROLLING_ON = "rolling_on"  # between the entry loop and its place on the scale
    CAPTURING = "capturing"  # the truck stands on the scale, nothing is decided
    HELD = "held"  # decided: a person is awaited, who then releases it
    RISING = "rising"  # released, the boom is on its way up
    PASSING = "passing"  # the truck is on its way out
    CLOSING = "closing"  # the truck is out, the boom is on its way down


WITHIN_A_SECOND = frozenset({Phase.ROLLING_ON, Phase.RISING, Phase.PASSING, Phase.CLOSING})
"""Phases that are over before a person could pull a plug."""

UNDECIDED = frozenset({Phase.BEFORE, Phase.ROLLING_ON, Phase.CAPTURING})
"""Phases in which a fault comes before the verdict."""


class Plate(StrEnum):
    """What the camera can see of the plate."""

    CLEAR = "clear"
    COVERED = "covered"


class Card(StrEnum):
    """What the driver does with his card."""

    OWN = "own"
    LATE = "late"  # two seconds after the stop
    NONE = "none"
    EARLY = "early"  # presented before the truck came, and not again
    OTHER = "other"  # the card of another declared vehicle


class Papers(StrEnum):
    """What the port knows of the trip."""

    DECLARED = "declared"
    UNDECLARED = "undeclared"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    PENDING = "pending"  # documents
    REJECTED = "rejected"
    AGENCY_HOLD = "agency_hold"
    USED = "used"  # by the same truck, an hour ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the lane's records must say. None: not judged."""

    outcome: Literal["release", "hold", "inspect", "refuse"] | None = None  # the lane's own verdict
    reason: str | None = None  # is among those of the verdict
    left: Literal["exit", "entry"] | None = None
    by: Literal["lane", "person"] | None = None  # who decided in the end
    clip: Literal["kept", "none"] | None = None  # whether the closing record names one
    alarm: str | None = None  # is on record, and was before a person decided
    refused: str | None = None  # so a person's first release was, and the second was carried out


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One truck and what happens to it. `weighs` is its true weight as a share of the declared."""

    name: str
    expected: Expected = Expected()
    plate: Plate = Plate.CLEAR
    card: Card = Card.OWN
    papers: Papers = Papers.DECLARED
    weighs: float = 1.0
    settle_s: float = 0.6
    person: Decision | None = None
    mode: Literal["attended", "closed"] | None = None
    backs_out: bool = False  # before anything is decided
    fault: str | None = None
    phase: Phase | None = None
    of: str = ""  # only where the lane has this: "weighbridge sma", "bus lc", "lane_camera"
    is_in_share: bool = False  # of every test run, not only of `make hil`
