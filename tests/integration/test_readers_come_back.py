"""A cable pulled for seconds: every kind of reader is back within three, with one line each way.

The real services of an agent on the real drivers, all at once: it is the waiting that takes time.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from devices import registry
from devices.clock import SystemClock
from devices.config import CardReaderConfig, TagReaderConfig
from devices.registry import open_card_reader, open_tag_reader
from devices.sim.card_readers import sim_card_reader
from devices.sim.line_host import LineHost, line_host
from devices.sim.tag_reader import SimTagReader
from gate_agent.adapters.reader import ReaderAdapter, card_presented, tag_read
from gate_agent.adapters.service import Served, Service
from gate_agent.domain.faults import FaultCode
from gate_agent.inbox import Inbox
from gate_agent.logs import Log
from tests.agent_rig import wait_until

CLOCK = SystemClock()
BACK_S = 3.0
PULLED_S = 4.0  # longer than it takes the pause between two tries to grow to its longest
# pcscd keeps the cable of its reader: tests/integration/test_pcsc_reader.py
CARD_READERS = tuple(name for name in registry.CARD_READERS if name != "pcsc")


class Lane:
    """Readers of all kinds, their simulators, and what was logged of each."""

    def __init__(self, folder: Path) -> None:
        self.hosts: dict[str, LineHost] = {}
        self.sims: list[Any] = []
        self.services: list[Service] = []
        self.lines: dict[str, list[tuple[str, float]]] = {}
        (folder / "scbk").write_text("00" * 15 + "01", encoding="ascii")
        for driver in CARD_READERS:
            config = CardReaderConfig(
                driver=driver,
                port=str(folder / driver),
                baud=115_200,
                key_file=str(folder / "scbk"),
            )
            host = self._host(driver, config.port)
            self.sims.append(sim_card_reader(config, host, CLOCK))
            adapter = ReaderAdapter(open_card_reader(config, CLOCK), card_presented, Inbox(), CLOCK)
            self._serve(driver, adapter, FaultCode.CARD_LINK)
        tags = TagReaderConfig(port=str(folder / "tags"), poll_s=0.05)
        host = self._host("uhf-reader18", tags.port)
        self.sims.append(SimTagReader(host, frozenset))
        tag_adapter = ReaderAdapter(open_tag_reader(tags, CLOCK), tag_read, Inbox(), CLOCK)
        self._serve("uhf-reader18", tag_adapter, FaultCode.TAG_LINK)

    def _host(self, name: str, port: str) -> LineHost:
        self.hosts[name] = line_host(name, port, baud=115_200, clock=CLOCK)
        return self.hosts[name]

    def _serve(self, name: str, adapter: Served, fault: FaultCode) -> None:
        self.lines[name] = []
        self.services.append(Service(name, adapter, fault, Inbox(), CLOCK, self._log(name)))

    def _log(self, name: str) -> Log:
        def keep(_: object, __: str, line: MutableMapping[str, Any]) -> str:
            self.lines[name].append((line["event"], CLOCK.now().mono_s))
            raise structlog.DropEvent

        log: Log = structlog.wrap_logger(None, processors=[keep])
        return log

    def said(self, event: str) -> bool:
        return all([each for each, _ in lines][-1:] == [event] for lines in self.lines.values())


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lane, float]:
    """The lane after it was pulled apart and plugged together, and when that was."""
    lane = Lane(tmp_path_factory.mktemp("readers"))
    for each in (*lane.sims, *lane.services):
        each.start()
    try:
        CLOCK.sleep(1.0)
        for host in lane.hosts.values():
            host.unplug()
        wait_until(lambda: lane.said("link_lost"), f"lost: {lane.lines}", 20.0)
        CLOCK.sleep(PULLED_S)
        for host in lane.hosts.values():
            host.plug()
        plugged_s = CLOCK.now().mono_s
        wait_until(lambda: lane.said("link_recovered"), f"back: {lane.lines}", 20.0)
        CLOCK.sleep(0.5)
    finally:
        for service in lane.services:
            service.stop()
        for service in lane.services:
            service.join(5.0)
        for sim in lane.sims:
            sim.stop()
    return lane, plugged_s


@pytest.mark.parametrize("driver", [*CARD_READERS, "uhf-reader18"])
def test_a_reader_is_back_three_seconds_after_its_cable_with_one_line_each_way(
    driver: str, story: tuple[Lane, float]
) -> None:
    lane, plugged_s = story
    assert [event for event, _ in lane.lines[driver]] == ["link_lost", "link_recovered"]
    assert lane.lines[driver][1][1] - plugged_s <= BACK_S
