"""A reader against labeled photographs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.evaluate.tally import Outcome, same_plate
from models.lpr.api import PictureError, PlateReader
from models.lpr.plates import Corners, PlateReading, normalize_plate
from models.pictures import load_picture
from models.train.split import held_out

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""

_TAUGHT: Final = ("frames2/", "crops2/")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabeledPicture:
    """A picture with the plate it shows; `plate` is normalized, `label` the set's own class.

    `box` is where a full photograph shows the plate; None for a crop, which it fills.
    """

    path: Path
    plate: str
    label: str
    source: str
    box: Box | None


class LabelsError(ValueError):
    """A file of labels that cannot be used: names the file and what it lacks."""


def read_labels(
    path: Path, *, crops: bool | None = None, examined_only: bool = False
) -> list[LabeledPicture]:
    """The pictures that a CSV with columns file, plate, plate_class, box_xywh, note names.

    Rows with a box are full photographs, rows without one are crops; disputed rows are left out.

    Args:
        path: the table; pictures lie beside it.
        crops: True takes crops only, False photographs only, None both.
        examined_only: leaves out the pictures that taught the networks (`models.train.split`).

    Raises:
        LabelsError: the file is missing, is not UTF-8, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as exc:
        raise LabelsError(f"{path}: {exc}") from exc
    pictures = []
    for row in rows:
        if not {"file", "plate"} <= row.keys():
            raise LabelsError(f"{path}: needs the columns file and plate")
        box = _box(path, row.get("box_xywh") or "")
        if "disputed" in (row.get("note") or "") or (crops is not None and crops != (box is None)):
            continue
        if examined_only and _has_taught(row):
            continue
        pictures.append(
            LabeledPicture(
                path=path.parent / row["file"],
                plate=normalize_plate(row["plate"]),
                label=row.get("plate_class") or "unnamed",
                source=row.get("source") or "",
                box=box,
            )
        )
    return pictures


def _has_taught(row: dict[str, str]) -> bool:
    if not row["file"].startswith(_TAUGHT):
        return False
    return row["file"].startswith("crops2/") or not held_out(row["plate"])


def _box(path: Path, text: str) -> Box | None:
    if not text:
        return None
    try:
        left, top, width, height = (float(part) for part in text.split(","))
    except ValueError as exc:
        raise LabelsError(f"{path}: box_xywh {text!r} is not four numbers") from exc
    return left, top, width, height


def evaluate_labeled(
    reader: PlateReader,
    pictures: list[LabeledPicture],
    *,
    stopwatch_s: Callable[[], float],
) -> Iterator[tuple[LabeledPicture, Outcome]]:
    """Reads one picture after the other; a picture that cannot be loaded counts as not found."""
    for picture in pictures:
        try:
            image = load_picture(picture.path)
        except PictureError as exc:
            yield picture, missing(picture.plate, str(exc))
            continue
        started_s = stopwatch_s()
        if picture.box is None:
            reading = reader.read_crop(image)
            readings = [reading] if reading else []
        else:
            readings = reader.read(image)
        duration_ms = (stopwatch_s() - started_s) * 1000
        yield picture, outcome_of(picture.plate, readings, picture.box, duration_ms)


def missing(plate: str, why: str) -> Outcome:
    """The outcome of a picture that could not be read as one."""
    return Outcome(plate=plate, text="", confidence=0.0, duration_ms=0.0, shown=why)


def outcome_of(
    plate: str, readings: list[PlateReading], box: Box | None, duration_ms: float
) -> Outcome:
    """The reading where the plate is, or one that is right: photographs label one plate only."""
    there = [r for r in readings if box is None or _is_inside(r.corners, box)]
    right = [r for r in readings if same_plate(r.text, plate)]
    chosen = next(iter(right or there), None)
    return Outcome(
        plate=plate,
        text=chosen.text if chosen else "",
        confidence=chosen.confidence if chosen else 0.0,
        duration_ms=duration_ms,
        shown=" ".join(f"{r.text} ({r.plate_class}, {r.confidence:.3f})" for r in readings),
    )


def _is_inside(corners: Corners, box: Box) -> bool:
    x = sum(point[0] for point in corners) / 4
    y = sum(point[1] for point in corners) / 4
    left, top, width, height = box
    return left <= x <= left + width and top <= y <= top + height
