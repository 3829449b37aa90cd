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
from hil_tests.demo.port import NEWEST, Port, StartError
from hil_tests.demo.processes import ProcessDied

if TYPE_CHECKING:
    from gate_agent.texts.catalogue import Language
    from hil_tests.demo.judge import Judgement, Summary

RUN_FOLDER = Path(__file__).resolve().parents[2] / "run"
LAST_TRUCK_S = 22.0  # before the end no further truck is sent
FINISH_S = 60.0
LOOK_EVERY_S = 0.1
LOOKS_PER_TURN = 7
EX_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the demonstration; 0 only if trucks were released and nothing went wrong."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    clock = SystemClock()
    display = Display(clock, _language())
    try:
        return _run(options, clock, display)
    except KeyboardInterrupt:
        return EX_INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone: end as if interrupted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EX_INTERRUPTED


def _run(options: argparse.Namespace, clock: SystemClock, display: Display) -> int:
    try:
        places = prepare(RUN_FOLDER, options.port, options.lanes, clock)
    except PlaceError as exc:
        print(f"make run: {exc}", file=sys.stderr)
        return 1
    port = Port(places, options.seed, clock, has_supervisor=options.supervisor)
    try:
        return Demonstration(port, display, clock, options).run()
    except KeyboardInterrupt:
        display.live("")
        display.line(display.word("stopping"))
        raise
    except (StartError, ProcessDied, ConsoleError, DeviceError) as exc:
        display.live("")
        display.line(f"make run: {exc}")
        display.line(f"{display.word('places')} {places.folder}")
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # stopping is under way
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
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
        self._has_released = False

    def run(self) -> int:
        """Everything; raises KeyboardInterrupt where a person ends it."""
        self._port.start(self._display.progress)
        ready_s = self._clock.now().mono_s
        self._port.let_trucks_come()
        self._greet()
        self._watch(ready_s)
        self._display.live("")
        judgement, unsynced = self._port.drained()
        self._show(judgement)
        summary = summarize(
            judgement,
            lanes=len(self._port.places.lanes),
            seconds=self._clock.now().mono_s - ready_s,
            unsynced=unsynced,
        )
        return self._report(summary)

    def _greet(self) -> None:
        places, display = self._port.places, self._display
        display.live("")
        display.line(f"{display.word('console')}: http://{HOST}:{places.console_port}/")
        for name, password in places.passwords.items():
            login, secret = display.word("login"), display.word("password")
            display.line(f"  {login} {name:10}  {secret} {password}")
        display.line(f"  {display.word('places')} {places.folder}")
        if not self._options.supervisor:
            display.line(display.word("you decide"))
        display.line(display.word("safety"))
        if not self._options.duration_s:
            display.line(display.word("end"))
        display.line()
        display.header()

    def _watch(self, ready_s: float) -> None:
        """Until the time is up and the last truck has gone; for ever without a time."""
        duration_s: float = self._options.duration_s
        while not self._is_over(ready_s, duration_s):
            self._port.check()
            self._display.trucks(self._port.show_signs(), self._port.plates_in_lanes())
            self._show_new_passages()
            for _ in range(LOOKS_PER_TURN):
                self._clock.sleep(LOOK_EVERY_S)
                self._show_first_release()

    def _is_over(self, ready_s: float, duration_s: float) -> bool:
        traffic = list(self._port.traffic.values())
        since_s = self._clock.now().mono_s - ready_s
        if duration_s and since_s > max(duration_s - LAST_TRUCK_S, duration_s / 3):
            for one in traffic:
                one.enough()
        if duration_s and since_s > duration_s + FINISH_S:
            for one in traffic:
                one.stop()
        return all(one.is_over() for one in traffic)

    def _show_first_release(self) -> None:
        if self._has_released or (lane := self._port.first_boom_up()) is None:
            return
        self._has_released = True
        since_s = self._display.since_s
        self._display.line(self._display.word("first release", lane=lane, since_s=since_s))

    def _show_new_passages(self) -> None:
        try:
            judgement = self._port.judge(NEWEST)
        except ConsoleError:
            return
        self._show(judgement)

    def _show(self, judgement: Judgement) -> None:
        for judged in judgement.judged:
            if judged.passage.passage_id not in self._shown:
                self._shown.add(judged.passage.passage_id)
                self._display.passage(judged)

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
        "--for", dest="duration_s", type=_seconds, default=0.0, metavar="SECONDS",
        help="run for so long, then report and end (FOR=)",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the report there (JSON=)")
    parser.add_argument("--lanes", type=_lane_count, default=2, help="how many lanes (LANES=)")
    parser.add_argument("--seed", type=int, default=7, help="fixes the traffic (SEED=)")
    parser.add_argument("--port", type=int, default=8080, help="the console's port (PORT=)")
    parser.add_argument(
        "--no-supervisor", dest="supervisor", action="store_false",
        help="nobody decides about held trucks but you, at the console (SUPERVISOR=0)",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.duration_s and not options.supervisor:
        parser.error("a bounded run needs its simulated supervisor: FOR= or SUPERVISOR=0, not both")
    return options


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, as in FOR=60")
    return seconds


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
