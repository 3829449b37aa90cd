"""`python -m hil_tests.demo`: what `make run` runs."""

from __future__ import annotations

import argparse
import locale
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from devices.clock import SystemClock
from devices.errors import DeviceError
from hil_tests.demo.console_client import ConsoleError
from hil_tests.demo.display import Display
from hil_tests.demo.judge import summarize
from hil_tests.demo.places import HOST, PlaceError, prepare
from hil_tests.demo.port import Port, StartError
from hil_tests.demo.processes import ProcessDied

if TYPE_CHECKING:
    from gate_agent.texts.catalogue import Language
    from hil_tests.demo.judge import Judgement, Summary

RUN_FOLDER = Path(__file__).resolve().parents[2] / "run"
LAST_TRUCK_S = 22.0  # before the end no further truck is sent
FINISH_S = 60.0
DRAIN_S = 10.0
EX_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the demonstration; 0 only if trucks were released and nothing went wrong."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    clock = SystemClock()
    display = Display(clock, _language())
    try:
        places = prepare(RUN_FOLDER, options.port, options.lanes)
    except PlaceError as exc:
        print(f"make run: {exc}", file=sys.stderr)
        return 1
    port = Port(places, options.seed, clock)
    demonstration = Demonstration(port, display, clock, options)
    try:
        return demonstration.run()
    except KeyboardInterrupt:
        display.line("stopping")
        return EX_INTERRUPTED
    except (StartError, ProcessDied, ConsoleError, DeviceError) as exc:
        display.line(f"make run: {exc}")
        display.line(f"logs: {places.folder}")
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # stopping is under way
        port.stop()


class Demonstration:
    """One run, from the first start to the last count."""

    def __init__(
        self, port: Port, display: Display, clock: SystemClock, options: argparse.Namespace
    ) -> None:
        self._port = port
        self._display = display
        self._clock = clock
        self._options = options
        self._shown: set[str] = set()

    def run(self) -> int:
        """Everything; raises KeyboardInterrupt where a person ends it."""
        self._port.start(self._display.progress)
        self._greet()
        ready_s = self._clock.now().mono_s
        self._port.let_trucks_come()
        self._watch(ready_s)
        judgement, unsynced = self._drain()
        summary = summarize(
            judgement,
            lanes=len(self._port.places.lanes),
            seconds=self._clock.now().mono_s - ready_s,
            unsynced=unsynced,
        )
        return self._report(summary)

    def _greet(self) -> None:
        places = self._port.places
        self._display.line(f"console: http://{HOST}:{places.console_port}/")
        for name, password in places.passwords.items():
            self._display.line(f"  login {name:10}  password {password}")
        self._display.line(f"  logs and databases in {places.folder}")
        self._display.line("software is never the only protection under a boom")
        self._display.line()
        self._display.header()

    def _watch(self, ready_s: float) -> None:
        """Until the time is up and the last truck has gone; for ever without a time."""
        traffic = list(self._port.traffic.values())
        duration_s: float = self._options.duration_s
        while True:
            self._clock.sleep(0.7)
            self._port.check()
            self._port.show_signs()
            self._show_new_passages()
            now_s = self._clock.now().mono_s
            if duration_s and now_s - ready_s > max(duration_s - LAST_TRUCK_S, duration_s / 3):
                for one in traffic:
                    one.enough()
            if all(one.is_over() for one in traffic):
                return
            if duration_s and now_s - ready_s > duration_s + FINISH_S:
                return

    def _show_new_passages(self) -> None:
        try:
            judgement = self._port.judge()
        except ConsoleError:
            return
        for judged in judgement.judged:
            if judged.passage.passage_id not in self._shown:
                self._shown.add(judged.passage.passage_id)
                self._display.passage(judged)

    def _drain(self) -> tuple[Judgement, int]:
        """Wait at most `DRAIN_S` until the hub has everything."""
        deadline_s = self._clock.now().mono_s + DRAIN_S
        while True:
            judgement, unsynced = self._port.judge(), self._port.unsynced()
            late = self._clock.now().mono_s > deadline_s
            if late or (not unsynced and not judgement.lost):
                self._show_new_passages()
                return judgement, unsynced
            self._clock.sleep(0.3)

    def _report(self, summary: Summary) -> int:
        encoded = msgspec.json.format(msgspec.json.encode(summary), indent=2).decode()
        if self._options.json:
            Path(self._options.json).write_text(encoded + "\n", encoding="utf-8")
        self._display.line()
        self._display.line(encoded)
        wrong = [*self._port.violations(), *self._port.problems()]
        for line in wrong:
            self._display.line(f"make run: {line}")
        return 0 if summary.is_good and not wrong else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make run", description="A port on this machine: real software, simulated devices."
    )
    parser.add_argument(
        "--for", dest="duration_s", type=float, default=0.0, metavar="SECONDS",
        help="run for so long, then report and end (FOR=)",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the report there (JSON=)")
    parser.add_argument("--lanes", type=_lane_count, default=2, help="how many lanes (LANES=)")
    parser.add_argument("--seed", type=int, default=7, help="fixes the traffic (SEED=)")
    parser.add_argument("--port", type=int, default=8080, help="the console's port (PORT=)")
    return parser.parse_args(arguments)


def _lane_count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 16:
        raise argparse.ArgumentTypeError("1 to 16 lanes")
    return count


def _language() -> Language:
    name = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "zh" if name.startswith("zh") else "en"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
