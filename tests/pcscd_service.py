"""The machine's PC/SC service with its virtual reader, for as long as a test runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from devices.clock import SystemClock
from devices.sim.pcsc_reader import vpcd_answers

CLOCK = SystemClock()
PATIENCE_S = 20.0


@contextmanager
def pcscd() -> Iterator[None]:
    """Skips where it does not start."""
    service = subprocess.Popen(
        ["pcscd", "--foreground"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while not vpcd_answers():
            if service.poll() is not None or CLOCK.now().mono_s > deadline_s:
                pytest.skip("pcscd does not start here: another one may be running")
            CLOCK.sleep(0.1)
        yield
    finally:
        service.terminate()
        service.wait(10.0)
