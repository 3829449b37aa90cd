"""The catalogue of lasting conditions, and the one table that says what each prevents."""

from __future__ import annotations

from enum import StrEnum


class FaultCode(StrEnum):
    """A condition that is raised and later cleared; not an exception."""

    SCALE_LINK = "scale_link"
    SCALE_VALUE = "scale_value"  # overload, underload, net, not zeroed
    CARD_LINK = "card_link"
    SIGN_LINK = "sign_link"
    LANE_CAMERA = "lane_camera"  # no clips
    TAG_LINK = "tag_link"  # of a lane that has a tag reader
    CAMERA_LINK = "camera_link"
    PLATE_READER = "plate_reader"
    PLATE_CAMERA = "plate_camera"  # nothing listens for the camera that reads plates itself
    CONTAINER_CAMERA = "container_camera"  # nothing listens for the one that reads containers
    BUS_LINK = "bus_link"
    BARRIER_STUCK = "barrier_stuck"
    BARRIER_FAULT = "barrier_fault"
    EMERGENCY_STOP = "emergency_stop"
    MANUAL_SWITCH = "manual_switch"  # somebody works the barrier from its cabinet
    RELAYS = "relays"  # a relay is not as it was told, or a boom contact is closed by itself
    STORE = "store"  # the last commit failed: disk full or broken
    STORE_PICTURES = "store_pictures"  # pictures cannot be written
    MANIFEST = "manifest"  # the manifest on the lane cannot be read
    UPLINK = "uplink"  # hub or broker out of reach
    CLOCK = "clock"  # the lane's clock and the hub's differ: nothing that expires can be judged
    OVERRUN = "overrun"  # the lane's inbox was full: facts were dropped


IN_HAND = frozenset({FaultCode.EMERGENCY_STOP, FaultCode.MANUAL_SWITCH})
"""With one of these somebody has the boom in hand: the lane neither raises nor lowers it, no order
makes it, and that they end starts nothing (ISO 13850: a reset only permits a start)."""

WARNINGS = frozenset(
    {
        FaultCode.UPLINK,  # the lane decides within its own authority
        FaultCode.CAMERA_LINK,  # a missing plate already prevents the release
        FaultCode.SIGN_LINK,  # the lamps say what counts
        FaultCode.LANE_CAMERA,  # "no pictures" never means "no decisions"
        FaultCode.PLATE_CAMERA,  # it only ever contradicts
        FaultCode.CONTAINER_CAMERA,  # a vehicle with a declared container is a person's meanwhile
        FaultCode.CARD_LINK,  # a missing card already prevents the release
        FaultCode.TAG_LINK,  # a vehicle with a declared tag is a person's while it lasts
        FaultCode.CLOCK,  # a reason of its own (`CLOCK_DOUBTFUL`) holds every vehicle
        FaultCode.STORE_PICTURES,  # "no pictures" never means "no decisions"
    }
)
"""Faults that do not by themselves prevent a release. Every other one does."""


def prevents_release(fault: FaultCode) -> bool:
    """Whether the lane may not release by itself while `fault` lasts."""
    return fault not in WARNINGS
