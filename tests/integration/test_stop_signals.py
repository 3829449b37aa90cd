"""However many signals arrive, and whenever: a process that is told to end ends."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WAITS_FOR_ITS_END = """
from devices.stop_signals import StopSignals
stop = StopSignals()
print("ready", flush=True)
while not stop.wait(0.0005):
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_ends_under_a_storm_of_signals(number: signal.Signals) -> None:
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WAITS_FOR_ITS_END], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            with contextlib.suppress(ProcessLookupError):
                for _ in range(200):
                    process.send_signal(number)
            try:
                process.wait(20.0)
            except subprocess.TimeoutExpired:
                process.kill()
                pytest.fail("it was told to end and did not")
