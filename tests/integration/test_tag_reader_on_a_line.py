"""The tag reader's driver against its simulator, on a real line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.clock import SystemClock
from devices.config import TagReaderConfig
from devices.errors import LinkDown
from devices.registry import open_tag_reader
from devices.sim.line_host import line_host
from devices.sim.tag_reader import STRAY, SimTagReader, TagFault
from hil_tests.rig import free_ports

CLOCK = SystemClock()
PATIENCE_S = 20.0
BACK_S = 3.0
TAG = "E2003411B802011383258566"


class Mast:
    """A simulated reader on its mast, and the driver that asks it."""

    def __init__(self, port: str, *, reads_min: int = 2, repeat_s: float = 2.0) -> None:
        config = TagReaderConfig(
            port=port,
            poll_s=0.03,
            reply_s=0.3,
            reads_min=reads_min,
            repeat_s=repeat_s,
            address=3,
        )
        self.tags = frozenset({TAG})
        host = line_host("tag_reader", port, baud=config.baud, clock=CLOCK)
        self.sim = SimTagReader(host, lambda: self.tags, address=3)
        self.reader = open_tag_reader(config, CLOCK)

    def seen_within(self, duration_s: float) -> list[str]:
        seen: list[str] = []
        until_s = CLOCK.now().mono_s + duration_s
        while CLOCK.now().mono_s < until_s:
            seen += [reading.tag_id for reading in self.reader.read(0.1)]
        return seen

    def next_tag(self) -> str:
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while CLOCK.now().mono_s < deadline_s:
            for reading in self.reader.read(0.1):
                return reading.tag_id
        pytest.fail("no tag was read")


def pty(folder: Path) -> str:
    return str(folder / "tags")


def tcp(_folder: Path) -> str:
    return f"tcp://127.0.0.1:{free_ports(1)[0]}"


@pytest.fixture(params=[pty, tcp], ids=["serial", "tcp"])
def mast(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mast]:
    mast = Mast(request.param(tmp_path))
    mast.sim.start()
    mast.reader.open()
    yield mast
    mast.reader.close()
    mast.sim.stop()


def test_a_tag_in_view_is_read_once_and_an_empty_lane_has_none(mast: Mast) -> None:
    assert mast.next_tag() == TAG
    assert mast.seen_within(0.5) == []
    mast.tags = frozenset()
    assert mast.seen_within(2.5) == []
    assert mast.reader.is_heard


def test_two_tags_in_view_are_both_told(mast: Mast) -> None:
    mast.sim.fault = TagFault.TWO_TAGS
    assert sorted(mast.seen_within(1.0)) == sorted((TAG, STRAY))


@pytest.mark.parametrize("fault", [TagFault.GARBLE, TagFault.CUT, TagFault.SILENCE])
def test_a_reader_that_cannot_be_understood_is_lost_and_names_no_tag(
    mast: Mast, fault: TagFault
) -> None:
    mast.sim.fault = fault
    seen: list[str] = []
    with pytest.raises(LinkDown, match=r"tag reader: no answer for .* s on"):
        seen += mast.seen_within(PATIENCE_S)
    assert seen == []
    mast.reader.close()
    mast.sim.fault = TagFault.NONE
    mast.reader.open()
    assert mast.next_tag() == TAG


def test_an_answer_that_comes_too_late_names_no_tag(mast: Mast) -> None:
    assert mast.next_tag() == TAG
    mast.sim.fault = TagFault.LATE
    mast.seen_within(0.4)
    mast.tags = frozenset({STRAY})
    seen: list[str] = []
    with pytest.raises(LinkDown, match="no answer for"):
        seen += mast.seen_within(PATIENCE_S)
    assert seen == []


def test_a_pulled_cable_is_told_and_the_reader_back_within_three_seconds(mast: Mast) -> None:
    assert mast.next_tag() == TAG
    mast.sim.host.unplug()
    with pytest.raises(LinkDown, match="tag reader: "):
        mast.seen_within(PATIENCE_S)
    mast.reader.close()
    with pytest.raises(LinkDown):
        mast.reader.open()
    mast.tags = frozenset({STRAY})
    mast.sim.host.plug()
    plugged_s = CLOCK.now().mono_s
    mast.reader.open()
    assert mast.next_tag() == STRAY
    assert CLOCK.now().mono_s - plugged_s < BACK_S


def test_a_stray_sighting_of_the_next_lanes_tag_is_not_reported(tmp_path: Path) -> None:
    mast = Mast(pty(tmp_path), reads_min=3, repeat_s=0.5)
    mast.sim.start()
    mast.reader.open()
    mast.sim.fault = TagFault.STRAY_ONCE
    try:
        assert set(mast.seen_within(2.0)) == {TAG}
    finally:
        mast.reader.close()
        mast.sim.stop()


def test_a_reader_is_back_only_when_a_tag_in_view_could_have_been_told(tmp_path: Path) -> None:
    mast = Mast(pty(tmp_path), reads_min=5, repeat_s=2.0)
    mast.sim.start()
    mast.reader.open()
    try:
        seen: list[str] = []
        while not mast.reader.is_heard:
            seen += [reading.tag_id for reading in mast.reader.read(0.05)]
        assert seen == [TAG], "the tag in view was told before, or with, the reader's return"
    finally:
        mast.reader.close()
        mast.sim.stop()
