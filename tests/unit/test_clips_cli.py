"""`gate-agent clips`: what a supervisor's lawyer is handed, and how he knows that it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from devices.clock import ManualClock
from gate_agent.cli import main
from gate_agent.domain.events import ClipKept
from gate_agent.domain.vocabulary import PassageId
from gate_agent.store.avi import ClipFrame, avi_of, head_of
from gate_agent.store.clip_shelf import ClipShelf
from gate_agent.store.picture_files import ClipFiles
from tests.kept_lane import KeptStory

JPEG = b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x30\x00\x40" + bytes(600) + b"\xff\xd9"


class Shelf:
    """A lane's state folder: two passages were filmed, and the clip of a third is gone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = ClipFiles(
            folder / "clips", max_bytes=10_000_000, max_days=9, clock=ManualClock()
        )
        self.ids = {name: self._film(name) for name in ("lane1-e-000001", "lane1-e-000002")}

    def _film(self, passage_id: str) -> str:
        frames = [ClipFrame(1.0 + at / 4, JPEG) for at in range(9)]
        return self.files.keep(*avi_of(frames, rate_fps=4, comment=passage_id))

    def path(self, passage_id: str) -> Path:
        return self.files.path(self.ids[passage_id])


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    with closing(KeptStory(tmp_path)) as story:
        story.ready().truck_arrives()
        story.happens(ClipKept(passage_id=PassageId("lane1-e-000003"), clip_id="ab" * 32, frames=7))
    return Shelf(tmp_path)


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    lines = capsys.readouterr().out.splitlines()
    return {row["passage_id"]: row for row in map(json.loads, lines)}


def test_every_clip_is_listed_with_its_passage_and_what_is_gone_is_said(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clips", "--state-dir", str(shelf.folder), "--json"]) == 0
    found = listed(capsys)
    assert {name: row["standing"] for name, row in found.items()} == {
        "lane1-e-000001": "whole",
        "lane1-e-000002": "whole",
        "lane1-e-000003": "gone",
    }
    first = found["lane1-e-000001"]
    assert (first["clip_id"], first["seconds"]) == (shelf.ids["lane1-e-000001"], 2.25)


def test_an_altered_clip_is_named_and_is_not_copied(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shelf.path("lane1-e-000001")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    out = tmp_path / "out"
    assert main(["clips", "--state-dir", str(shelf.folder), "--copy", str(out)]) == 1
    said = capsys.readouterr().out
    assert "altered" in said
    assert [each.name for each in out.glob("*.avi")] == [f"{shelf.ids['lane1-e-000002']}.avi"]


def test_the_copy_of_one_passage_can_be_checked_with_nothing_of_ours(
    shelf: Shelf, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["clips", "--state-dir", str(shelf.folder), "--passage", "lane1-e-000002"]
    assert main([*arguments, "--copy", str(out)]) == 0
    (copy,) = out.glob("*.avi")
    assert copy.read_bytes() == shelf.path("lane1-e-000002").read_bytes()
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == copy.stem
    subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=out, check=True)
    assert not list(out.glob("*.part"))


@pytest.mark.parametrize("passage_id", ["lane1-e-000003", "lane1-e-000009"])
def test_a_passage_whose_clip_is_gone_or_was_never_made_is_a_failure_that_says_why(
    shelf: Shelf, passage_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clips", "--state-dir", str(shelf.folder), "--passage", passage_id]) == 1
    assert "clips_max_days" in capsys.readouterr().err


def test_looking_deletes_nothing_however_old_it_is(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (shelf.folder / "clips").glob("*/*.avi"):
        os.utime(path, (0, 0))
    before = sorted((shelf.folder / "clips").rglob("*"))
    assert main(["clips", "--state-dir", str(shelf.folder)]) == 0
    assert sorted((shelf.folder / "clips").rglob("*")) == before
    assert capsys.readouterr().out.count("whole") == 2


def test_a_folder_that_is_no_lanes_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clips", "--state-dir", str(tmp_path / "nowhere")]) == 1
    assert "nowhere: not there" in capsys.readouterr().err


def test_a_clip_says_whose_it_is_and_anything_else_says_nothing() -> None:
    clip = b"".join(avi_of([ClipFrame(1.0, JPEG), ClipFrame(3.0, JPEG)], rate_fps=4, comment="p-1"))
    head = head_of(clip[:4096])
    assert head is not None
    assert (head.comment, head.places, head.rate_fps) == ("p-1", 9, 4)
    assert head_of(b"") is None
    assert head_of(b"RIFF" + bytes(4000)) is None


def test_a_part_is_read_by_its_place_and_no_id_leads_out_of_the_folder(shelf: Shelf) -> None:
    clip_id = shelf.ids["lane1-e-000001"]
    whole = shelf.path("lane1-e-000001").read_bytes()
    reader = ClipShelf(shelf.folder)
    assert reader.part(clip_id, 100, 50) == (whole[100:150], len(whole))
    assert reader.part(clip_id, len(whole), 50) == (b"", len(whole))
    for bad in ("ab" * 32, "../lane.db", "", clip_id.upper()):
        assert reader.part(bad, 0, 50) is None
