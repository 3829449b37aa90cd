"""`gate-lpr` as a technician runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from models.cli import main
from models.lpr.plates import PlateClass
from models.synth.plate_pictures import draw_plate
from models.synth.scenes import draw_scene, encode_jpeg, photograph


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    rng = np.random.default_rng(4)
    return photograph(rng, draw_scene(rng, draw_plate("粤B12345", PlateClass.BLUE)))


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_photograph_gives_one_line_with_its_plates(
    tmp_path: Path, frame: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lane.jpg"
    path.write_bytes(encode_jpeg(frame))
    assert main(["read", "--json", str(path)]) == 0
    (line,) = lines_of(capsys)
    assert line.keys() == {"image", "ms", "plates"}
    (plate,) = line["plates"]
    assert plate.keys() == {"text", "plate_class", "rows", "confidence", "corners"}
    assert (plate["text"], plate["plate_class"], plate["rows"]) == ("粤B12345", "blue", 1)
    assert np.array(plate["corners"]).shape == (4, 2)


def test_a_crop_is_read_as_one_plate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "crop.png"
    cv2.imwrite(str(path), draw_plate("粤ZF823港", PlateClass.BLACK))
    assert main(["read", "--crop", str(path)]) == 0
    assert "粤ZF823港 (black" in capsys.readouterr().out


def test_the_declared_plate_in_the_picture_is_accepted_and_its_neighbor_is_not(
    tmp_path: Path, frame: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, declared = tmp_path / "lane.jpg", tmp_path / "declared.txt"
    picture.write_bytes(encode_jpeg(frame))
    declared.write_text("# today\n粤B·99999\n粤B12345\n\n粤B12346\n京A88888\n", "utf-8")
    assert main(["verify", "--plates", str(declared), "--json", str(picture)]) == 0
    declared.write_text("粤B99999\n粤B12346\n京A88888\n", "utf-8")
    assert main(["verify", "--plates", str(declared), "--json", str(picture)]) == 0
    own, impostor = lines_of(capsys)
    assert own.keys() == {"image", "ms", "candidates", "none", "accepted"}
    assert own["candidates"][0].keys() == {"text", "log_likelihood", "posterior"}
    assert own["candidates"][0]["text"] == "粤B12345"
    assert own["accepted"] == "粤B12345"
    assert own["none"] < 0.1
    assert impostor["accepted"] is None
    assert impostor["none"] > 0.5


def test_a_picture_without_a_plate_verifies_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, declared = tmp_path / "empty.png", tmp_path / "declared.txt"
    cv2.imwrite(str(picture), np.full((360, 640, 3), 90, np.uint8))
    declared.write_text("粤B12345\n", "utf-8")
    assert main(["verify", "--plates", str(declared), "--json", str(picture)]) == 0
    (line,) = lines_of(capsys)
    assert (line["candidates"], line["none"], line["accepted"]) == ([], 1.0, None)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "No such file"),
        (b"", "no plate in it"),
        ("粤B12345\n??\n".encode(), ":2: '??' is not a plate"),
        ("粤B12345".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_list_of_plates_that_cannot_be_used_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, fault: str
) -> None:
    declared = tmp_path / "declared.txt"
    if content is not None:
        declared.write_bytes(content)
    assert main(["verify", "--plates", str(declared), "x.jpg"]) == 1
    error = capsys.readouterr().err
    assert str(declared) in error
    assert fault in error


def damaged_pictures(folder: Path, frame: np.ndarray) -> dict[str, bool]:
    """Pictures by name: whether each must still be read as 粤B12345 (else: an error line)."""
    jpeg = encode_jpeg(frame)
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "text.jpg").write_text("not a picture", "utf-8")
    (folder / "folder.jpg").mkdir()
    cv2.imwrite(str(folder / "cut.png"), frame)
    png = (folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(png[: len(png) // 2])
    cv2.imwrite(str(folder / "one.png"), frame[:1, :1])
    cv2.imwrite(str(folder / "deep.png"), frame.astype(np.uint16) * 257)
    cv2.imwrite(str(folder / "gray.jpg"), cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))
    rgb = Image.fromarray(np.ascontiguousarray(frame[:, :, ::-1]))
    rgb.convert("CMYK").save(folder / "cmyk.jpg", quality=90)
    exif = Image.Exif()
    exif[0x0112] = 8  # the camera hung on its side: turn by 270 degrees to see it upright
    rgb.transpose(Image.Transpose.ROTATE_270).save(folder / "turned.jpg", exif=exif, quality=90)
    rgb.convert("RGBA").save(folder / "clear.png")
    wrong = ("empty.jpg", "cut.jpg", "text.jpg", "folder.jpg", "cut.png", "one.png", "absent.jpg")
    right = ("deep.png", "gray.jpg", "cmyk.jpg", "turned.jpg", "clear.png")
    return {**dict.fromkeys(wrong, False), **dict.fromkeys(right, True)}


def test_a_damaged_picture_is_an_error_on_its_own_line_and_the_rest_goes_on(
    tmp_path: Path, frame: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = damaged_pictures(tmp_path, frame)
    assert main(["read", "--json", *(str(tmp_path / name) for name in expected)]) == 1
    lines = {Path(str(line["image"])).name: line for line in lines_of(capsys)}
    assert lines.keys() == expected.keys()
    for name, readable in expected.items():
        if readable:
            assert [p["text"] for p in lines[name]["plates"]] == ["粤B12345"], name
        else:
            assert lines[name].keys() == {"image", "error"}, name
            assert name in str(lines[name]["error"])


def test_samples_can_be_drawn_and_are_the_same_for_a_seed(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        assert main(["synth", "--out", str(tmp_path / folder), "-n", "2", "--seed", "9"]) == 0
    one = sorted((tmp_path / "one").iterdir())
    two = sorted((tmp_path / "two").iterdir())
    assert [p.name for p in one] == [p.name for p in two]
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
    assert len(one) == 5  # two scenes, their plates, and a sheet of every kind


def test_labels_that_cannot_be_used_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("picture,text\na.jpg,x\n", "utf-8")
    assert main(["eval", str(labels)]) == 1
    assert "needs the columns file and plate" in capsys.readouterr().err
    assert main(["eval", str(tmp_path / "none.csv")]) == 1


def test_labeled_pictures_give_a_table_by_class(
    tmp_path: Path, frame: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(frame))
    rows = ["file,plate,plate_class,box_xywh,note", 'a.jpg,粤B·12345,blue,"0,0,1280,720",']
    rows += ['a.jpg,粤B12346,yellow,"0,0,1280,720",', 'b.jpg,粤B1,blue,"0,0,1280,720",disputed']
    (tmp_path / "labels.csv").write_text("\n".join(rows), "utf-8")
    assert main(["eval", str(tmp_path / "labels.csv"), "--verbose"]) == 0
    out = capsys.readouterr().out
    assert "粤B12346 (yellow) read as 粤B12345" in out
    total = next(line for line in out.splitlines() if line.startswith("all"))
    assert total.split()[1:5] == ["2", "2", "1", "0.5000"]


def test_drawn_trucks_are_measured_by_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval-synth", "-n", "2", "--seed", "5", "--frames", "1"]) == 0
    total = capsys.readouterr().out.splitlines()[-1]
    assert total.split()[:4] == ["all", "2", "2", "2"]


@pytest.mark.parametrize("arguments", [[], ["read"], ["nonsense"], ["synth", "-n", "0"]])
def test_wrong_usage_exits_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "file"
    place.write_text("", encoding="utf-8")
    assert main(["synth", "--out", str(place / "samples"), "-n", "1"]) == 1
    assert capsys.readouterr().err == f"gate-lpr: {place / 'samples'}: Not a directory\n"
