"""`LaneInputs` with everything off but what a test names."""

from devices.readings import LaneInputs
from devices.sim.lane_world import SENSORS


def lane_inputs(*, received_s: float = 0.0, **on: bool) -> LaneInputs:
    off = dict.fromkeys(SENSORS, False)
    return LaneInputs(**(off | on), received_s=received_s)
