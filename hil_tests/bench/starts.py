"""An agent ended and started again: how long until its lane invites the next truck.

From the moment its process is asked for to the green entry lamp, read where the lamp is: at the
simulated board. The hub, the devices and the other lanes go on meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil_tests.bench.figures import Figure, Part
from hil_tests.demo.port import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from hil_tests.demo.places import LanePlace
    from hil_tests.demo.port import Port

STARTS = 7
BAR_S = 2.0
AT_MOST_S = 60.0
LOOK_S = 0.01


def measure_starts(port: Port, clock: Clock, say: Callable[[str], None]) -> Part:
    """Stop and start the first lane of an idle port. Raises `StartError`."""
    lane = port.places.lanes[0]
    taken_s = []
    for number in range(1, STARTS + 1):
        say(f"start {number} of {STARTS}")
        taken_s.append(_start_s(port, lane, clock))
    ordered = sorted(taken_s)
    return Part(
        title="the agent of one lane started anew beside three others, its own models loaded",
        command="python -m hil_tests.bench --only passages",
        figures=(
            Figure(
                name="start to a lane that invites",
                value=round(ordered[len(ordered) // 2], 2),
                unit="s",
                n=STARTS,
                at_most=BAR_S,
                remark=f"median; slowest {ordered[-1]:.2f}",
            ),
        ),
    )


def _start_s(port: Port, lane: LanePlace, clock: Clock) -> float:
    process = port.processes[lane.lane]
    process.stop()
    process.join()
    _wait(lambda: not port.invites(lane), clock, f"{lane.lane}: stopped, its lamp stays green")
    began_s = clock.now().mono_s
    port.start_lane(lane)
    _wait(lambda: port.invites(lane), clock, f"{lane.lane}: started, its lamp stays red")
    return clock.now().mono_s - began_s


def _wait(is_so: Callable[[], bool], clock: Clock, otherwise: str) -> None:
    deadline_s = clock.now().mono_s + AT_MOST_S
    while not is_so():
        if clock.now().mono_s > deadline_s:
            raise StartError(otherwise)
        clock.sleep(LOOK_S)
