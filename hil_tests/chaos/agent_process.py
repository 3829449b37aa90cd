"""`python -m hil_tests.chaos.agent_process`: the agent as it is, with a wall clock that jumps.

    python -m hil_tests.chaos.agent_process --config lane.toml --clock FILE

FILE holds one signed 64-bit number, milliseconds, that whoever plays with the clock may change at
any moment; it is added to the wall clock. The monotonic clock cannot be set on a real machine,
and is not here.
"""

from __future__ import annotations

import argparse
import mmap
import struct
import sys
from pathlib import Path

from devices.clock import Stamp, SystemClock
from gate_agent import config as lane_file
from gate_agent.errors import GateError
from gate_agent.logs import configure
from gate_agent.runtime.agent import run

_OFFSET = struct.Struct("<q")


class SettableClock:
    """The machine's clocks; the wall clock is off by what the file says."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), _OFFSET.size, access=mmap.ACCESS_READ)
        self._clock = SystemClock()

    def now(self) -> Stamp:
        """The present moment on both clocks."""
        stamp = self._clock.now()
        return Stamp(stamp.mono_s, stamp.wall_ms + _OFFSET.unpack_from(self._offset)[0])

    def sleep(self, duration_s: float) -> None:
        """Block the calling thread."""
        self._clock.sleep(duration_s)


def set_clock(path: Path, by_ms: int) -> None:
    """Set the wall clock of the agent that reads `path`."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(_OFFSET.pack(by_ms))


def main() -> int:
    """Run a lane until SIGTERM."""
    parser = argparse.ArgumentParser(description="The agent, with a wall clock that jumps.")
    parser.add_argument("--config", required=True, type=Path)
    parser.add_argument("--clock", required=True, type=Path)
    options = parser.parse_args()
    config = lane_file.load(options.config)
    try:
        run(config, configure(lane=config.lane), SettableClock(options.clock))
    except GateError as exc:
        print(f"agent: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
