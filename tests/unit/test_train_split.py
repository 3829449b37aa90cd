"""No plate that examines the reader ever teaches it."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.train.split import Role, held_out, real_pictures

_FIRST = """file,plate,plate_class,rows,box_xywh,source,licence,note
crops/a.png,粤B12345,blue,1,,one,MIT,
crops/b.png,粤B99999,blue,1,,one,MIT,disputed
frames/c.jpg,京A·00001,blue,1,"1,2,3,4",one,MIT,
"""
_HEAD = "file,plate,plate_class,rows,box_xywh,corners_tl_tr_br_bl,source,licence,note\n"


def _folder(tmp_path: Path, second: list[str]) -> Path:
    (tmp_path / "labels.csv").write_text(_FIRST, "utf-8")
    (tmp_path / "labels2.csv").write_text(_HEAD + "\n".join(second) + "\n", "utf-8")
    return tmp_path


def _a_plate(*, examines: bool) -> str:
    return next(p for p in (f"皖A{n:05d}" for n in range(1000)) if held_out(p) is examines)


def _roles(folder: Path) -> dict[str, Role]:
    return {picture.path.name: picture.role for picture in real_pictures(folder)}


def test_the_first_table_examines_but_for_disputed_labels(tmp_path: Path) -> None:
    roles = _roles(_folder(tmp_path, []))
    assert roles == {"a.png": Role.VALIDATE, "b.png": Role.LEAVE_OUT, "c.jpg": Role.VALIDATE}


def test_a_plate_of_the_examination_teaches_nowhere_however_it_is_written(tmp_path: Path) -> None:
    roles = _roles(_folder(tmp_path, ["crops2/d.jpg,粤B·12345,blue,1,,,two,MIT,"]))
    assert roles["d.jpg"] is Role.LEAVE_OUT


def test_a_photograph_of_a_held_out_plate_examines_and_takes_its_crops_along(
    tmp_path: Path,
) -> None:
    plate = _a_plate(examines=True)
    corners = '"1,2;5,2;5,4;1,4"'
    rows = [
        f"frames2/e.jpg,{plate},blue,1,,{corners},two,MIT,",
        f"crops2/f.jpg,{plate},blue,1,,,three,MIT,",
    ]
    roles = _roles(_folder(tmp_path, rows))
    assert roles["e.jpg"] is Role.VALIDATE
    assert roles["f.jpg"] is Role.LEAVE_OUT


def test_other_photographs_teach_with_their_corners(tmp_path: Path) -> None:
    plate = _a_plate(examines=False)
    row = f'frames2/g.jpg,{plate},blue,1,"1,2,4,2","1,2;5,2;5,4;1,4",two,MIT,vanity'
    picture = real_pictures(_folder(tmp_path, [row]))[-1]
    assert picture.role is Role.TRAIN
    assert picture.corners == ((1.0, 2.0), (5.0, 2.0), (5.0, 4.0), (1.0, 4.0))
    assert picture.vanity
    assert picture.whole_frame


def test_about_a_fifth_of_all_plates_is_held_out() -> None:
    share = sum(held_out(f"皖A{n:05d}") for n in range(2000)) / 2000
    assert 0.17 < share < 0.23


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        real_pictures(tmp_path)
