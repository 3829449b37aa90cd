"""What the whole reader costs a process that starts: seconds to its first plate, and memory.

`python -m models.evaluate.fresh_process` is that process; `fresh_process` starts it and measures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from models.evaluate.measured import Measured, plain
from models.lpr.session import WeightsError

_ROUNDS: Final = 3
_FRAMES: Final = 5
_MODULE: Final = "models.evaluate.fresh_process"
_PEAK: Final = "VmHWM:"


def fresh_process(name: str, weights: Path | None) -> Iterator[Measured]:
    """Start-up and memory of a process that reads frames of 1280 x 720, medians of a few starts.

    Raises:
        WeightsError: the process failed; what it said is on standard error.
    """
    starts = [_start(weights) for _ in range(_ROUNDS)]
    for what, unit in (
        ("start-up to the first frame read", "s"),
        ("memory at its height, one reader", "MiB"),
        ("the same once the second opinion was asked", "MiB"),
    ):
        values = [start[what] for start in starts if what in start]
        if values:
            yield plain(f"{name}: {what}", float(np.median(values)), len(values), unit)


def _start(weights: Path | None) -> dict[str, float]:
    command = [sys.executable, "-m", _MODULE, *([str(weights)] if weights else [])]
    started_s = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - ourselves
        command, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdout is None:
            raise WeightsError("plate reader: a process of it has no output")
        process.stdout.readline()
        first_s = time.perf_counter() - started_s
        rest = process.stdout.read()
    if process.returncode != 0:
        raise WeightsError(f"plate reader: a process of it ended with {process.returncode}")
    return {"start-up to the first frame read": first_s, **json.loads(rest)}


def _memory_mib() -> float:
    """The most that this process ever held in memory; 0 where the system does not say."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(_PEAK):
            return int(line.split()[1]) / 1024
    return 0.0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Reads a frame and says so, then says what memory it took."""
    # Nothing that only measuring needs is loaded here: it would count as the reader's.
    from models.lpr.opening import open_plate_reader  # noqa: PLC0415
    from models.lpr.second_opinion import second_opinion  # noqa: PLC0415

    weights = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    reader = open_plate_reader(weights)
    frame = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    reader.read(frame)
    _say("read")
    for _ in range(_FRAMES):
        reader.read(frame)
    said = {"memory at its height, one reader": _memory_mib()}
    second = second_opinion()
    if second is not None:
        second.read_crop(frame[:48, :168].copy())
        said["the same once the second opinion was asked"] = _memory_mib()
    _say(json.dumps(said))


if __name__ == "__main__":
    main()
