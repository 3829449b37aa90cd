"""Every fault of the library is told of in Chinese and in English, and no text is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devices.sim.faults.table import FAULTS
from devices.sim.faults.wording import CATALOGUE
from devices.sim.weighbridge import ScaleFault, can_have
from devices.texts import CatalogueError, Said
from devices.weighbridge.protocols import protocol_named, protocols
from hil_tests.lane_bench.wording import making_of

LIBRARY = Path(__file__).parents[2] / "devices" / "sim" / "faults"
BY_HAND = tuple(name for name, fault in FAULTS.items() if fault.by_hand)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def texts_of(table: str) -> dict[str, Said]:
    """The texts of one table of the catalogue, by name."""
    return {
        key.removeprefix(f"{table}."): text
        for key, text in CATALOGUE.texts.items()
        if key.startswith(f"{table}.")
    }


def test_every_fault_says_what_it_is_and_no_text_is_of_a_fault_that_there_is_not() -> None:
    assert list(texts_of("what")) == list(FAULTS)


def test_every_fault_that_a_person_makes_tells_how_and_no_other_does() -> None:
    assert set(texts_of("by_hand")) == set(BY_HAND)
    assert len(BY_HAND) > 30
    with pytest.raises(CatalogueError, match=r"no text 'by_hand\.scale_frozen'"):
        _ = FAULTS["scale_frozen"].making


@pytest.mark.parametrize("key", CATALOGUE.texts)
def test_a_text_of_a_fault_is_chinese_in_the_one_and_english_in_the_other(key: str) -> None:
    text = CATALOGUE.texts[key]
    assert _CHINESE.search(text.zh)
    assert text.en.isascii()


@pytest.mark.parametrize("name", BY_HAND)
def test_who_makes_a_fault_reads_in_chinese_what_it_is_how_it_is_made_and_what_ends_it(
    name: str,
) -> None:
    asked = making_of(name)
    assert re.fullmatch(rf"{FAULTS[name].what.zh}——[^；]+；[^；]+即恢复", asked.zh)
    assert asked.en == FAULTS[name].making.en


def test_every_reason_why_not_is_given_by_the_library() -> None:
    code = "".join(path.read_text("utf-8") for path in sorted(LIBRARY.glob("*.py")))
    assert set(re.findall(r'"why_not\.(\w+)"', code)) == set(texts_of("why_not"))


def test_what_the_frames_of_an_indicator_may_lack_has_a_word() -> None:
    lacking = {
        fault.value
        for fault in ScaleFault
        for driver in protocols()
        if not can_have(protocol_named(driver), fault)
    }
    assert lacking == set(texts_of("feature"))
