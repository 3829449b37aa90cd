"""`LaneInputs` with everything off but what a test names."""

from devices.readings import LaneInputs


def lane_inputs(*, received_s: float = 0.0, **on: bool) -> LaneInputs:
    off = dict.fromkeys(
        (
            "entry_loop",
            "front_beam",
            "rear_beam",
            "exit_loop",
            "barrier_up",
            "barrier_down",
            "barrier_fault",
            "emergency_stop",
        ),
        False,
    )
    return LaneInputs(**(off | on), received_s=received_s)
