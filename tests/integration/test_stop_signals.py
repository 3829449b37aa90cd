"""However many signals arrive, and whenever: a process that is told to end ends."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devices.clock import SystemClock
from devices.sim.bench import Bench
from hil_tests.rig import devices_at, free_ports

CLOCK = SystemClock()
ROOT = Path(__file__).resolve().parents[2]
WAITS_FOR_ITS_END = """
from devices.stop_signals import StopSignals
stop = StopSignals()
print("ready", flush=True)
while not stop.wait(0.0005):
    pass
"""

UNDOES_WHAT_IT_BEGAN = """
import time
from devices.stop_signals import ended_in_order
try:
    with ended_in_order():
        try:
            print("ready", flush=True)
            time.sleep(60.0)
        finally:
            time.sleep(0.3)
            print("undone", flush=True)
except KeyboardInterrupt:
    print("ended", flush=True)
"""
ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("number", ENDING)
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


@pytest.mark.parametrize("number", ENDING)
def test_what_was_begun_is_undone_whatever_ends_it_and_no_further_signal_breaks_into_that(
    number: signal.Signals,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", UNDOES_WHAT_IT_BEGAN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            for _ in range(20):
                process.send_signal(number)
        assert process.stdout.read() == "undone\nended\n"


def test_a_program_that_was_started_to_outlive_its_terminal_is_not_hung_up_on() -> None:
    with subprocess.Popen(
        ["nohup", sys.executable, "-c", WAITS_FOR_ITS_END],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20.0) == 0


LANE = """
bus.tcp_port = {bus}
weighbridge.port = "{folder}/scale"
card_reader.port = "{folder}/card"
camera.source = "http://127.0.0.1:{camera}/"
"""


@pytest.mark.parametrize("number", ENDING)
def test_a_bring_up_that_is_ended_leaves_no_lamp_lit(
    number: signal.Signals, tmp_path: Path
) -> None:
    bus, camera = free_ports(2)
    lane = tmp_path / "lane.toml"
    lane.write_text("[devices]" + LANE.format(bus=bus, camera=camera, folder=tmp_path))
    command = [sys.executable, "-m", "devices.cli", "bring-up", "bus", "--config", str(lane)]
    with (
        Bench(devices_at(tmp_path, bus, camera), CLOCK) as bench,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as process,
    ):
        assert process.stdin is not None
        process.stdin.write("skip\n" * 5)  # no loop, no beam, no button
        process.stdin.flush()
        until_s = CLOCK.now().mono_s + 30.0
        while not any(bench.board.coils()):
            assert process.poll() is None
            assert CLOCK.now().mono_s < until_s
            CLOCK.sleep(0.01)
        CLOCK.sleep(0.2)  # its relay is read back, and somebody is asked whether it is on
        process.send_signal(number)
        assert process.wait(20.0) == 130
        assert not any(bench.board.coils())
