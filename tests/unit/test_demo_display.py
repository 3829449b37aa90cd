"""What `make run` prints: columns that stay under their heads, in both languages."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from devices.clock import SystemClock
from gate_agent.texts.catalogue import LANGUAGES
from gate_agent.wire.v1 import Timeline
from hil_tests.demo.display import Display, cells, cut, pad
from hil_tests.demo.judge import HubPassage, Judged, Visit
from hil_tests.demo.traffic import plan

if TYPE_CHECKING:
    from gate_agent.texts.catalogue import Language


def printed(display: Display, out: io.StringIO) -> list[str]:
    truck = next(plan("lane1", 7))
    visit = Visit(truck=truck, entered_ms=0, left_by="exit", stopped_to_boom_up_s=3.0)
    passage = HubPassage(
        passage_id="p",
        lane="lane1",
        arrived_at_ms=0,
        verdict="release",
        outcome="release",
        decided_by="lane",
        left="exit",
        plate="粤ZE147港",
        reasons=(),
        timeline=Timeline(plate_ms=900, card_ms=7_100, weight_ms=9_000, decided_ms=9_010),
    )
    display.header()
    display.passage(Judged(visit=visit, passage=passage))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_chinese_plate_does_not_push_the_times_out_of_their_columns(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = _Out()
    monkeypatch.setattr(sys, "stdout", out)
    _, head, line = printed(Display(SystemClock(), language), out)
    for word, time in zip(head.split()[3:5], ("0.90", "7.10"), strict=True):
        end_of_head = cells(head[: head.index(word) + len(word)])
        assert cells(line[: line.index(time) + len(time)]) == end_of_head


def test_a_chinese_character_takes_two_columns() -> None:
    assert cells("粤B12345") == 8
    assert pad("粤B", 5) == "粤B  "
    assert pad("粤B", 5, right=True) == "  粤B"
    assert cut("粤粤粤", 5) == "粤粤"


class _Out(io.StringIO):
    def reconfigure(self, **_: object) -> None:
        """A file takes every character."""
