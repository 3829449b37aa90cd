"""What can go wrong in the hub. Messages are lower case and name the place and the values."""

from __future__ import annotations

from enum import StrEnum


class CentralError(Exception):
    """Everything the hub raises on purpose."""


class ConfigError(CentralError):
    """The configuration cannot be used; the process ends with status 78."""


class StoreError(CentralError):
    """The database cannot be opened, read or committed to."""


class BrokerError(CentralError):
    """The embedded broker cannot be started or did not stay up."""


class PortBusy(CentralError):
    """The console's address cannot be listened on."""


class ManifestError(CentralError):
    """A file or request that changes the manifest cannot be used as a whole."""


class StaleReason(StrEnum):
    """Why a supervisor's request is not sent. Texts: `stale.<code>`."""

    UNKNOWN_PASSAGE = "unknown_passage"
    UNKNOWN_LANE = "unknown_lane"
    CLOSED = "closed"  # the passage has ended
    NOT_HELD = "not_held"  # the lane has not asked for a person
    DECIDED = "decided"  # another decision was already carried out
    PENDING = "pending"  # another decision is on its way
    SLIP_USED = "slip_used"  # the slip was written for another vehicle
    UNKNOWN_KIND = "unknown_kind"  # the rules have no slips for this kind of emergency
    NO_EVACUATION = "no_evacuation"  # the lane does not say that it is in one
    NO_CLIP = "no_clip"  # the passage's record names none


class CommandStale(CentralError):
    """The screen that a request was made from shows what is no longer so. Nothing was sent."""

    def __init__(self, reason: StaleReason, subject: str, by: str = "") -> None:
        super().__init__(f"command: {subject}: {reason.value}{f' by {by}' if by else ''}")
        self.reason = reason
        self.by = by  # who was faster, where known
