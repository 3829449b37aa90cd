"""What each lane of a virtual port is for, by its number; a small port has ordinary lanes only."""

from __future__ import annotations

from enum import StrEnum

TAGS_EVERY = 4  # so many lanes, one has a reader of windshield tags


class LaneUse(StrEnum):
    """What a lane is for."""

    ORDINARY = "ordinary"
    EXPORT = "export"
    GREEN = "green"
    EMPTIES = "empties"
    HOURS = "hours"  # closed at night, but for those who have an appointment
    MANUAL = "manual"  # papers are shown to a person


PARTICULAR = (LaneUse.EXPORT, LaneUse.GREEN, LaneUse.EMPTIES)
"""Not for everybody: somebody can be in the wrong one."""
_OF_SIXTEEN = {6: LaneUse.EXPORT, 7: LaneUse.GREEN, 8: LaneUse.EMPTIES}
_OF_THIRTY_TWO = {5: LaneUse.HOURS, 13: LaneUse.MANUAL}


def use_of(lane: int) -> LaneUse:
    """What the lane of this number is for."""
    ordinary = _OF_THIRTY_TWO.get(lane % 32, LaneUse.ORDINARY)
    return _OF_SIXTEEN.get(lane % 16, ordinary)


def has_tag_reader(lane: int) -> bool:
    """Whether it reads the tags behind windshields."""
    return lane % TAGS_EVERY == 1


def name_of(lane: int) -> str:
    """Its name in packs, records and topics."""
    return f"lane{lane}"


def number_of(name: str) -> int:
    """The number of a lane of this name."""
    return int(name.removeprefix("lane"))
