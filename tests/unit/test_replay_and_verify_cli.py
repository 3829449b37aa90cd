"""`gate-agent replay`, `verify` and `export` on files, as an auditor uses them."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from gate_agent.cli import main
from gate_agent.domain.vocabulary import Phase, WeightState
from gate_agent.wire.chain import line_of
from tests.builders import GROSS_KG
from tests.kept_lane import KeptStory, contents, linked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three passages as they are exported: dossiers and the records that seal them."""
    out = tmp_path / "out"
    out.mkdir()
    with closing(KeptStory(tmp_path)) as story:
        story.ready()
        story.passage_released().passage_turned_back().passage_released()
        lines = b"".join(line_of(record) for record in linked(story))
        (out / "lane1.jsonl").write_bytes(lines)
        for number, content in enumerate(contents(story.path)):
            (out / f"p{number}.json").write_bytes(content)
    return out


def test_dossiers_give_the_same_verdicts_again_and_are_counted_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(folder)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 dossiers, 3 verdicts: all identical")
    for path in ("p0.json", "lane1.jsonl", "../lane.db"):
        assert main(["replay", "--json", str(folder / path)]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["different"] == []
        assert found["dossiers"] == (1 if path == "p0.json" else 3)


def test_a_verdict_that_was_not_what_the_rules_gave_is_named_with_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dossier = json.loads((folder / "p1.json").read_bytes())
    dossier["decisions"][0]["verdict"] |= {"outcome": "release", "reasons": []}
    forged = folder / "forged.json"
    forged.write_text(json.dumps(dossier))
    assert main(["replay", str(forged)]) == 1
    said = capsys.readouterr()
    assert "1 DIFFERENT" in said.out
    assert f"{forged}: passage {dossier['passage_id']}" in said.err
    assert "recorded 'release" in said.err
    assert "now 'hold plate_card_mismatch" in said.err
    assert main(["verify", str(folder)]) == 1
    assert "forged.json: no record here seals this dossier" in capsys.readouterr().err


def test_one_dossier_that_was_altered_does_not_hide_what_the_others_say(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "lane1.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    sealed = json.loads(lines[4])
    sealed["body"]["sha256"] = "00" * 32
    lines[4] = json.dumps(sealed).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    assert main(["replay", str(path)]) == 1
    said = capsys.readouterr()
    assert "3 dossiers, 2 verdicts: 1 UNREADABLE" in said.out
    assert f"{path}: record 5: not the dossier that was sealed" in said.err


def test_a_rule_change_is_rehearsed_on_what_really_passed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "pack.json"
    pack.write_text(
        '{"version":"2026-12","owner":"rules desk","limits":{"min_plate_confidence_permille":999}}'
    )
    assert main(["replay", str(folder), "--policy", str(pack)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("under 2026-12: 3 of 3 verdicts in 3 dossiers change")
    assert "2  release  ->  hold plate_doubtful" in said
    assert "-000001" in said
    assert main(["replay", str(folder), "--policy", str(pack), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["changed"], len(found["groups"])) == (3, 2)


def test_the_rules_that_were_in_force_change_nothing_when_they_are_rehearsed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "pack.json"
    pack.write_text('{"version":"the-same","owner":"rules desk"}')
    assert main(["replay", str(folder), "--policy", str(pack)]) == 0
    assert "0 of 3 verdicts" in capsys.readouterr().out


def _rehearsed_early(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settled_kg: int | None, within_kg: int
) -> str:
    """A verdict on 32,000 ±900 kg at 30 permille, and what 20 permille make of it."""
    with closing(KeptStory(tmp_path)) as story:
        story.ready().truck_arrives().plate_is_read().card().manifest_answers()
        story.sees(rear_beam=True).weighs(WeightState.MOVING, GROSS_KG // 2).passes(3.0)
        story.sees(entry_loop=False, rear_beam=False)
        story.swings_between(GROSS_KG - within_kg, GROSS_KG + within_kg).manifest_answers()
        assert story.phase is Phase.RELEASING
        story.passes(1.0)
        if settled_kg is not None:
            story.weighs(WeightState.SETTLED, settled_kg)
        story.boom_goes_up().drives_out().passes(1.0).boom_comes_down()
        (content,) = contents(story.path)
    (tmp_path / "early.json").write_bytes(content)
    pack = tmp_path / "pack.json"
    pack.write_text(
        '{"version":"narrower","owner":"rules desk","limits":{"weight_tolerance_permille":20}}'
    )
    assert main(["replay", str(tmp_path / "early.json")]) == 0
    assert main(["replay", str(tmp_path / "early.json"), "--policy", str(pack)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("settled_kg", "within_kg", "said"),
    [
        (GROSS_KG + 80, 900, "0 of 1 verdicts"),
        (GROSS_KG + 800, 900, "1  release  ->  hold weight_differs"),
        (GROSS_KG + 2_000, 900, "1  release  ->  inspect weight_far_off"),
        (GROSS_KG + 2_000, 300, "0 of 1 verdicts"),  # the interval releases: nobody would wait
        (None, 900, "1  release  ->  hold weight_differs"),  # it left before the scale rested
    ],
)
def test_a_rehearsal_waits_for_the_settled_weight_where_the_lane_would_have(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settled_kg: int | None,
    within_kg: int,
    said: str,
) -> None:
    assert said in _rehearsed_early(tmp_path, capsys, settled_kg, within_kg)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.json", b"{}", r"x\.json: dossier: .*format"),
        ("x.json", b"no json", r"x\.json: dossier"),
        ("x.jsonl", b'{"lane":"lane1"}\n', r"x\.jsonl:1: .*epoch"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["replay", str(tmp_path / name)]) == 1
    assert re.search(complaint, capsys.readouterr().err)


def test_a_file_that_is_not_there_and_a_pack_that_is_none_are_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(tmp_path / "gone.json")]) == 1
    assert "gone.json" in capsys.readouterr().err
    (tmp_path / "pack.json").write_text('{"version":"x","min_weight":1}')
    assert main(["replay", str(folder), "--policy", str(tmp_path / "pack.json")]) == 1
    assert "min_weight" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "pack.json"), "--json"]) == 1


def test_an_untouched_export_and_the_lanes_own_database_verify(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(folder), str(folder.parent / "lane.db")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert all("records 1..13, chain intact, 0 missing" in line for line in said)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (b'"outcome":"release"', b'"outcome":"refuse"', "record 3 altered"),
        (b'"at_ms":179', b'"at_ms":178', "record 1 altered"),
    ],
)
def test_an_export_that_was_altered_is_found_and_where(
    folder: Path, capsys: pytest.CaptureFixture[str], old: bytes, new: bytes, complaint: str
) -> None:
    path = folder / "lane1.jsonl"
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    assert main(["verify", str(path)]) == 1
    said = capsys.readouterr().out
    assert "chain BROKEN" in said
    assert complaint in said


def test_lines_cut_out_of_an_export_are_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "lane1.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4] + lines[6:]))
    assert main(["verify", "--json", str(path)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["intact"], found["missing"]) == (False, 2)
    assert found["flaws"] == [{"flaw": "missing", "first": 5, "last": 6}]


def test_an_export_may_begin_in_the_middle(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "lane1.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[5:]))
    assert main(["verify", str(path)]) == 0
    assert "records 6..13, chain intact, 0 missing" in capsys.readouterr().out
