"""One card on thousands of papers: the lane answers in time, and nothing it leaves out releases."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gate_agent.domain.manifest import Declaration
from gate_agent.domain.reasons import Reason
from gate_agent.domain.rules.crowd import MOST_PAPERS
from gate_agent.domain.vocabulary import Outcome
from gate_agent.store.manifest_reader import ManifestReader
from gate_agent.wire import v1
from tests.agent_rig import hold_manifest
from tests.builders import GROSS_KG, START
from tests.kept_lane import KeptStory, contents, rows, sealed

PLATE, CARD = "粤B12345", "04A1B2C3"
MANY = 5_000
NOW_MS = START.wall_ms
DAY_MS = 86_400_000
BROKER_TAKES = 8_000_000
LONG = "N" * 64


def a_trip(number: int, **said: object) -> v1.DeclarationRow:
    """A paper of some other truck of this card, as full as the importer lets one be."""
    row = v1.DeclarationRow(
        declaration_id=f"T-{number:06d}",
        plates=(f"粤C{number:05d}",),
        card_uid=CARD,
        gross_kg=GROSS_KG,
        valid_from_ms=NOW_MS - DAY_MS,
        valid_until_ms=NOW_MS + DAY_MS,
        items=tuple(v1.DocumentRow(code=f"{n}{LONG}", state=LONG) for n in range(16)),
        agencies=tuple(v1.AgencyRow(agency=f"{n}{LONG}", state="agreed") for n in range(16)),
        accounts=tuple(
            v1.AccountRow(kind="list", account_id=f"{n}{LONG}", quantity=1, balance=9)
            for n in range(16)
        ),
    )
    return msgspec.structs.replace(row, **said)


def past(number: int) -> v1.DeclarationRow:
    until_ms = NOW_MS - number * DAY_MS // 4
    return a_trip(number, valid_until_ms=until_ms, used_by=f"lane1-e-{number:06d}", accounts=())


TODAY = a_trip(0, declaration_id="D1", plates=(PLATE,), items=(), agencies=(), accounts=())


@pytest.fixture
def story(tmp_path: Path) -> Iterator[KeptStory]:
    with closing(KeptStory(tmp_path)) as told:
        told.ready()
        yield told


def found(folder: Path, papers: Sequence[v1.DeclarationRow], used: str = "") -> list[Declaration]:
    hold_manifest(folder, papers)
    own = {used: "lane1-e-000009"} if used else {}
    with closing(ManifestReader(folder / "hub.db", own.get)) as reader:
        began_s = time.process_time()
        answer, _ = reader.find(PLATE, CARD, NOW_MS)
        assert time.process_time() - began_s < 1.0, "the lane waits 2 s for it"
    return list(answer)


def judged(story: KeptStory, answer: Sequence[Declaration]) -> tuple[Outcome, tuple[str, ...]]:
    story.truck_arrives().plate_is_read().drives_on().card().manifest_answers(*answer)
    return story.verdict


def test_thousands_of_open_papers_on_one_card_are_a_persons_and_fit_through_the_broker(
    story: KeptStory, tmp_path: Path
) -> None:
    answer = found(tmp_path, [TODAY, *(a_trip(number) for number in range(1, MANY))])
    assert len(answer) == MOST_PAPERS + 1
    assert TODAY.declaration_id in [each.declaration_id for each in answer]
    assert judged(story, answer) == (Outcome.HOLD, (Reason.SEVERAL_DECLARATIONS,))
    story.backs_out()
    story.leaves_by_entry()
    assert max(len(row.body) for row in rows(story.path)) < BROKER_TAKES / 10
    (seal,) = sealed(story.path)
    assert seal.is_whole
    assert len(contents(story.path)[0]) < 16_000_000 / 4


def test_a_regular_driver_with_years_of_trips_behind_him_is_released_on_todays_paper(
    story: KeptStory, tmp_path: Path
) -> None:
    answer = found(tmp_path, [TODAY, *(past(number) for number in range(1, MANY))])
    assert len(answer) == MOST_PAPERS
    assert judged(story, answer) == (Outcome.RELEASE, ())


def test_a_paper_that_this_lane_used_itself_is_past_though_the_hub_has_not_heard_it(
    story: KeptStory, tmp_path: Path
) -> None:
    papers = [TODAY, *(past(number) for number in range(1, MANY))]
    answer = found(tmp_path, papers, used=TODAY.declaration_id)
    outcome, reasons = judged(story, answer)
    assert (outcome, Reason.DECLARATION_USED in reasons) == (Outcome.REFUSE, True)


def test_a_hold_is_never_hidden_among_thousands_of_cleaner_papers(
    story: KeptStory, tmp_path: Path
) -> None:
    held = a_trip(4_321, holds=("quarantine",))
    papers = [TODAY, held, *(a_trip(number) for number in range(1, MANY) if number != 4_321)]
    outcome, reasons = judged(story, found(tmp_path, papers))
    assert outcome is Outcome.INSPECT
    assert Reason.AGENCY_HOLD in reasons
    assert Reason.SEVERAL_DECLARATIONS in reasons


@pytest.mark.parametrize("more", [0, 1])
def test_the_bound_itself(story: KeptStory, tmp_path: Path, more: int) -> None:
    papers = [TODAY, *(a_trip(number) for number in range(1, MOST_PAPERS + more))]
    reasons = judged(story, found(tmp_path, papers))[1]
    assert reasons == ((Reason.SEVERAL_DECLARATIONS,) if more else ())
