"""What may be said about a lane that speaks, falls silent or is cut off."""

from central.clock import ManualClock
from central.hub.lanes import Lanes, PresenceState
from gate_agent.wire.v1 import LaneStatus
from tests.hub_bench import a_health


def state(lanes: Lanes) -> PresenceState:
    presence = lanes.one("lane1")
    assert presence is not None
    return presence.state


def test_a_configured_lane_that_never_spoke_is_unknown() -> None:
    lanes = Lanes(ManualClock(), ["lane1"])
    assert state(lanes) is PresenceState.UNKNOWN
    assert lanes.one("lane2") is None


def test_a_lane_is_online_while_its_health_is_fresh_and_unknown_after_ten_seconds() -> None:
    clock = ManualClock()
    lanes = Lanes(clock)
    lanes.on_health(a_health())
    clock.advance(10)
    assert state(lanes) is PresenceState.ONLINE
    clock.advance(0.1)
    assert state(lanes) is PresenceState.UNKNOWN


def test_a_last_will_is_offline_at_once_and_health_brings_the_lane_back() -> None:
    lanes = Lanes(ManualClock())
    lanes.on_health(a_health())
    lanes.on_status(LaneStatus(lane="lane1", epoch="e1", online=False))
    assert state(lanes) is PresenceState.OFFLINE
    lanes.on_health(a_health())
    assert state(lanes) is PresenceState.ONLINE


def test_a_retained_status_alone_never_makes_a_lane_online() -> None:
    lanes = Lanes(ManualClock())
    lanes.on_status(LaneStatus(lane="lane1", epoch="e1", online=True, version="1.2"))
    presence = lanes.one("lane1")
    assert presence is not None
    assert (presence.state, presence.version) == (PresenceState.UNKNOWN, "1.2")
