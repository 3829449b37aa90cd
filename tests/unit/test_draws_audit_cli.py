"""An auditor with dossiers and a revealed secret: every draw again, and a rehearsal keeps them."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gate_agent.cli import main
from gate_agent.domain.draws import commitment, draw
from gate_agent.domain.events import PolicyChanged
from gate_agent.domain.policy_pack import (
    CreditClass,
    CreditTable,
    DrawPeriod,
    PolicyPack,
    canonical,
    rehearsal_of,
)
from tests.builders import START, a_declaration
from tests.kept_lane import KeptStory

SECRET = bytes(range(32))
PERIOD = DrawPeriod(
    period="p1",
    from_ms=START.wall_ms - 1,
    until_ms=START.wall_ms + 10**9,
    commitment=commitment(SECRET),
)
PACK = PolicyPack(version="7", owner="rules desk", draw_periods=(PERIOD,))


@pytest.fixture
def lane(tmp_path: Path) -> Path:
    """A lane.db with one released vehicle that was not drawn."""
    drawn = draw(SECRET, "p1", "D1")
    with closing(KeptStory(tmp_path)) as story:
        story.declarations = (replace(a_declaration(), drawn=drawn, credit_class="A"),)
        story.ready()
        story.happens(PolicyChanged(pack=PACK))
        story.passage_released()
        return story.path


def audit(lane: Path, capsys: pytest.CaptureFixture[str], secret: bytes) -> tuple[int, str]:
    status = main(["audit-draws", str(lane), "--period", "p1", "--secret", secret.hex()])
    return status, capsys.readouterr().out


def test_the_revealed_secret_gives_every_number_again(
    lane: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(lane, capsys, SECRET) == (0, "p1: 1 draws redone, 0 differ\n")


def test_another_secret_than_the_committed_one_is_found_out(
    lane: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = audit(lane, capsys, SECRET[::-1])
    assert status == 1
    assert "1 draws redone, 1 differ" in said
    assert "its policy committed to another secret" in said


def test_a_period_without_a_draw_and_a_secret_that_is_none_prove_nothing(
    lane: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit-draws", str(lane), "--period", "p2", "--secret", SECRET.hex()]) == 1
    assert main(["audit-draws", str(lane), "--period", "p1", "--secret", "xyz"]) == 1
    assert "--secret" in capsys.readouterr().err


def test_a_rehearsal_of_a_later_pack_draws_who_was_drawn_then(
    lane: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pack for next year is not refused for its dates, nor for draws that nobody made yet."""
    number = draw(SECRET, "p1", "D1").inspect_permille
    for share, changed in ((number, 0), (number + 1, 1)):
        table = CreditTable(name="t", classes=(CreditClass(name="A", inspect_permille=share),))
        later = PolicyPack(
            version="8",
            owner="rules desk",
            effective_from_ms=PERIOD.until_ms,
            credit_tables=(table,),
            draw_periods=(
                msgspec.structs.replace(
                    PERIOD, period="p9", from_ms=PERIOD.until_ms, until_ms=PERIOD.until_ms + 1
                ),
            ),
        )
        file = tmp_path / "later.json"
        file.write_bytes(canonical(later))
        assert main(["replay", str(lane), "--policy", str(file), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["changed"] == changed
    assert rehearsal_of(PACK, PACK) == PACK
