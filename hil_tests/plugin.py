"""The pytest plugin of the bench: `python -m pytest hil_tests/scenarios --bench FILE`.

The selected scenarios are played in the background on every lane of the bench side by side, in
the order in which they were collected; each test waits for its own account. So twenty minutes of
trucks take as many lanes less, and a broken bench stops the run once, by name, instead of failing
every test. With `--accounts FILE` what came of each is written there as soon as it is known, a line
each: what was played is kept, however the run ends.

Ctrl-C, SIGTERM and a lost connection (SIGHUP) end the run in order: the relays of a box drop first.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from devices.clock import SystemClock
from devices.stop_signals import ended_in_order
from hil_tests.bench.machine import machine
from hil_tests.lane_bench.bench_file import BenchFileError, load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.pool import BrokenBench, Pool
from hil_tests.lane_bench.prompts import Prompts
from hil_tests.lane_bench.sittings import HEAD, head_of, taken_over

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from hil_tests.lane_bench.bench_file import BenchFile
    from hil_tests.lane_bench.player import Account
    from hil_tests.lane_bench.scenario import Scenario
    from hil_tests.lane_bench.wording import Said

BROKEN = 3
SHARE = "share"


class BenchKeeper:
    """Keeps the pool of one pytest session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.pool: Pool | None = None
        self.scenarios: list[Scenario] = []
        self._scratch = tempfile.TemporaryDirectory(prefix="kakou-hil-")
        self._undo = contextlib.ExitStack()
        self._accounts: BinaryIO | None = None

    def account(self, name: str) -> Account:
        """What came of a scenario; the bench is started by the first who asks."""
        try:
            pool = self._start() if self.pool is None else self.pool
            return pool.account(name)
        except (BrokenBench, BenchFileError) as exc:
            pytest.exit(f"broken bench: {exc}", BROKEN)

    def end(self) -> None:
        """End everything; a first signal that comes meanwhile changes nothing."""
        if self.pool is not None:
            try:
                self.pool.stop()
            except KeyboardInterrupt:
                self.pool.stop()
            self._tell_what_is_left(self.pool.not_undone())
            self.pool = None
        self._scratch.cleanup()
        self._undo.close()

    def _tell_what_is_left(self, faults: Sequence[Said]) -> None:
        """What a person made and must undo, in the accounts and on the terminal if there is one."""
        with contextlib.suppress(OSError):
            for one in faults:
                self._write({"not_undone": one})
            for one in faults:
                self._tell(f"{one.zh} | {one.en}")

    def _start(self) -> Pool:
        path = Path(self._config.getoption("--bench"))
        bench = load_bench(path)
        folder = Path(self._config.getoption("--keep") or self._scratch.name)
        self._undo.enter_context(ended_in_order())
        head = head_of(path, bench, machine().commit)
        earlier = self._config.getoption("--continue", default=None)
        known = [] if earlier is None else taken_over(Path(earlier), head)
        self._accounts, clock = self._kept(), SystemClock()
        self._write({HEAD: head})
        self.pool = Pool(  # known before it runs: whatever ends the run ends it
            folder,
            bench,
            path,
            self.scenarios,
            clock,
            ask=Prompts(self._ask, clock) if bench.needs_person else None,
            tell=self._tell,
            note=self._write,
            known=known,
        )
        self.pool.start()
        return self.pool

    def _kept(self) -> BinaryIO | None:
        """Where the accounts go. Raises `BrokenBench` where others would be lost."""
        where = self._config.getoption("--accounts", default=None)
        if where is None:
            return None
        try:
            return self._undo.enter_context(Path(where).open("xb"))
        except OSError as exc:
            raise BrokenBench(f"--accounts {where}: {exc.strerror or exc}") from exc

    def _write(self, line: object) -> None:
        """Keep one line, whatever comes next. Raises `OSError`."""
        if self._accounts is not None and not self._accounts.closed:
            self._accounts.write(msgspec.json.encode(line) + b"\n")
            self._accounts.flush()
            os.fsync(self._accounts.fileno())

    def _ask(self, text: str) -> str:
        """Show a person a line and wait for the answer, past pytest's capturing."""
        self._tell(text, end="")
        with Path("/dev/tty").open(encoding="utf-8") as terminal:
            return terminal.readline()

    def _tell(self, text: str, end: str = "\n") -> None:
        with Path("/dev/tty").open("w", encoding="utf-8") as terminal:
            terminal.write(text + end)


KEEPER = pytest.StashKey[BenchKeeper]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("bench", "a lane on simulated or real devices")
    group.addoption("--bench", metavar="FILE", help="the bench file; without it nothing is played")
    group.addoption("--accounts", metavar="FILE", help="note there what comes of each scenario")
    group.addoption(
        "--continue", metavar="FILE", help="the accounts of an earlier sitting, not played again"
    )
    group.addoption("--keep", metavar="FOLDER", help="keep the lanes' files, databases and logs")


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers; take the machine-wide limits of a test away from a waiting one."""
    config.addinivalue_line("markers", f"{SHARE}: scenarios that every test run plays")
    config.stash[KEEPER] = BenchKeeper(config)


@pytest.hookimpl(tryfirst=True)  # before anybody writes to a terminal that may have gone
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the bench, whatever happened."""
    if KEEPER in config.stash:
        config.stash[KEEPER].end()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a scenario."""
    if "scenario" in metafunc.fixturenames:
        rows = [
            pytest.param(
                scenario,
                id=scenario.name,
                marks=[getattr(pytest.mark, SHARE)] if scenario.is_in_share else [],
            )
            for scenario in SCENARIOS
        ]
        metafunc.parametrize("scenario", rows)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not belong on this bench."""
    path = config.getoption("--bench", default=None)
    if path is None:
        return
    try:
        bench = load_bench(Path(path))
    except BenchFileError as exc:
        pytest.exit(f"broken bench: {exc}", BROKEN)
    left_out = [item for item in items if not _belongs(bench, item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _belongs(bench, item)]
    for item in items:
        if bench.needs_person and _scenario_of(item) is not None:  # the bench keeps the time
            item.add_marker(pytest.mark.timeout(0), append=False)


def _belongs(bench: BenchFile, item: pytest.Item) -> bool:
    scenario = _scenario_of(item)
    return scenario is None or bench.is_to_play(scenario)


def _scenario_of(item: pytest.Item) -> Scenario | None:
    callspec = getattr(item, "callspec", None)
    found: Scenario | None = None if callspec is None else callspec.params.get("scenario")
    return found


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Only what was selected is played, in this order."""
    keeper = session.config.stash[KEEPER]
    found = (_scenario_of(item) for item in session.items)
    keeper.scenarios += [scenario for scenario in found if scenario is not None]


@pytest.fixture
def account(request: pytest.FixtureRequest, scenario: Scenario) -> Account:
    """What came of the scenario. Skips, naming what the bench lacks."""
    if not request.config.getoption("--bench", default=None):  # not even known to a whole run
        pytest.skip("no --bench FILE was given")
    found = request.config.stash[KEEPER].account(scenario.name)
    if found.skipped is not None:
        pytest.skip(found.skipped.en)
    for at_s, what in found.steps:
        sys.stdout.write(f"{found.lane} {at_s:6.2f} s  {what}\n")
    return found
