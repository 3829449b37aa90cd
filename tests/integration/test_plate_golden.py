"""The floors under which the committed weights may not fall, on questions drawn anew here."""

from __future__ import annotations

import tomllib
from pathlib import Path
from time import perf_counter

import pytest

from models.evaluate.examination.texts import ExamKind
from models.evaluate.examined import Examination, evaluate_examination
from models.evaluate.tally import Tally, by_label
from models.lpr.opening import open_plate_reader

FLOORS = tomllib.loads((Path(__file__).parent.parent / "golden" / "plates.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    reader = open_plate_reader(asks_second=False)
    asked = Examination(every=int(FLOORS["every"]))
    return by_label(evaluate_examination(reader, asked, stopwatch_s=perf_counter))


@pytest.mark.parametrize("kind", list(ExamKind))
def test_no_kind_of_plate_is_read_worse_than_its_floor(
    tallies: dict[str, Tally], kind: ExamKind
) -> None:
    misread = [(o.plate, o.shown) for o in tallies[kind].outcomes if not o.is_exact]
    assert tallies[kind].exact >= FLOORS["exact"][kind], misread


def test_hardly_a_plate_is_taken_without_doubt_and_wrong(tallies: dict[str, Tally]) -> None:
    wrong = sum(tally.sure_and_wrong for tally in tallies.values())
    assert wrong <= FLOORS["sure_and_wrong"]
