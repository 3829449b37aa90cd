"""What the lanes are doing now, in memory only. A lane that is not heard is unknown.

Last known values are never shown as present ones: ask `LanePresence.state` first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from central.clock import Clock
from gate_agent.wire.v1 import LaneHealth, LaneStatus

UNHEARD_S = 10.0


class PresenceState(StrEnum):
    """What may be said about a lane."""

    ONLINE = "online"  # its health is at most `UNHEARD_S` old
    OFFLINE = "offline"  # it said so, or its broker connection broke
    UNKNOWN = "unknown"  # not heard for `UNHEARD_S`, or never


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePresence:
    """One lane as last heard. `health` is only the present state while `state` is ONLINE."""

    lane: str
    state: PresenceState
    health: LaneHealth | None  # None: not heard since the hub started
    health_age_s: float | None
    version: str  # of the agent's software; '' if not heard


@dataclass(frozen=True, slots=True)
class _Heard:
    epoch: str = ""
    version: str = ""
    online: bool | None = None  # None: no status heard
    health: LaneHealth | None = None
    health_at_s: float | None = None


class Lanes:
    """Presence and health of every lane ever heard. Event loop only."""

    def __init__(self, clock: Clock, known: Iterable[str] = ()) -> None:
        self._clock = clock
        self._heard: dict[str, _Heard] = {lane: _Heard() for lane in known}

    def on_status(self, status: LaneStatus) -> None:
        """A lane came or went; a retained status may be old, so it alone never means online."""
        was = self._heard.get(status.lane, _Heard())
        self._heard[status.lane] = replace(
            was, epoch=status.epoch, version=status.version or was.version, online=status.online
        )

    def on_health(self, health: LaneHealth) -> None:
        """A lane says how it is; hearing it outranks a last will that came before."""
        was = self._heard.get(health.lane, _Heard())
        self._heard[health.lane] = replace(
            was,
            epoch=health.epoch,
            online=True,
            health=health,
            health_at_s=self._clock.mono_s(),
        )

    def know(self, lane: str) -> None:
        """A lane exists, though it was not heard."""
        self._heard.setdefault(lane, _Heard())

    def one(self, lane: str) -> LanePresence | None:
        """One lane; None if it was never heard of."""
        heard = self._heard.get(lane)
        return None if heard is None else self._presence(lane, heard)

    def all(self) -> tuple[LanePresence, ...]:
        """Every lane, by name."""
        return tuple(self._presence(lane, heard) for lane, heard in sorted(self._heard.items()))

    def _presence(self, lane: str, heard: _Heard) -> LanePresence:
        age_s = None if heard.health_at_s is None else self._clock.mono_s() - heard.health_at_s
        if heard.online is False:
            state = PresenceState.OFFLINE
        elif age_s is None or age_s > UNHEARD_S:
            state = PresenceState.UNKNOWN
        else:
            state = PresenceState.ONLINE
        return LanePresence(
            lane=lane,
            state=state,
            health=heard.health,
            health_age_s=age_s,
            version=heard.version,
        )
