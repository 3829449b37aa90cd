"""When: the lane's calendar, by the port's own time, and appointments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import DAY_MIN, LaneProfile, PolicyPack
from gate_agent.domain.reasons import Reason

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_MS = 250_000_000_000_000  # about the year 9892: a calendar goes no further


def hours_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, wall_ms: int
) -> Iterator[Reason]:
    """Out of hours only by appointment, and an appointment that was made is kept."""
    profile = pack.lane(evidence.lane_id)
    if profile is not None:
        yield from _calendar(profile, declaration, pack, wall_ms)
    appointment = declaration.appointment
    if appointment is not None:
        if wall_ms < appointment.from_ms - pack.appointment.early_grace_ms:
            yield Reason.APPOINTMENT_EARLY
        if wall_ms > appointment.until_ms + pack.appointment.late_grace_ms:
            yield Reason.APPOINTMENT_MISSED


def _calendar(
    profile: LaneProfile, declaration: Declaration, pack: PolicyPack, wall_ms: int
) -> Iterator[Reason]:
    has_appointment = declaration.appointment is not None
    if profile.appointments == "always" and not has_appointment:
        yield Reason.APPOINTMENT_MISSING
    if not is_open(profile, pack, wall_ms) and not (
        has_appointment and profile.appointments != "none"
    ):
        yield Reason.OUTSIDE_HOURS


def is_open(profile: LaneProfile, pack: PolicyPack, wall_ms: int) -> bool:
    """Whether the lane's calendar is open; a moment that no calendar has is not."""
    if not profile.hours:
        return True
    if not 0 <= wall_ms <= _MOST_MS:
        return False
    local = _EPOCH + timedelta(milliseconds=wall_ms, minutes=pack.utc_offset_min)
    minute = local.hour * 60 + local.minute
    return _is_open_on(local, minute, profile, pack) or _is_open_on(
        local - timedelta(days=1), minute + DAY_MIN, profile, pack
    )


def _is_open_on(day: datetime, minute: int, profile: LaneProfile, pack: PolicyPack) -> bool:
    """Whether the opening that began on `day` still lasts `minute` minutes after its midnight."""
    if day.year * 10_000 + day.month * 100 + day.day in pack.holidays:
        return False
    return any(
        day.isoweekday() in hours.days and hours.from_min <= minute < hours.until_min
        for hours in profile.hours
    )
