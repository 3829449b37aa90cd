"""A reader against labeled photographs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models.evaluate.tally import Tally
from models.lpr.api import PictureError, PlateReader
from models.lpr.plates import normalize_plate
from models.pictures import load_picture


@dataclass(frozen=True, slots=True, kw_only=True)
class LabeledPicture:
    """A picture with the plate it shows; `plate` is normalized, `label` the set's own class."""

    path: Path
    plate: str
    label: str


class LabelsError(ValueError):
    """A file of labels that cannot be used: names the file and what it lacks."""


def read_labels(path: Path, *, crops: bool) -> list[LabeledPicture]:
    """The pictures that a CSV with columns file, plate, plate_class, box_xywh, note names.

    Rows with a box are full photographs, rows without one are crops; disputed rows are left out.

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
        if "disputed" in (row.get("note") or "") or bool(row.get("box_xywh")) == crops:
            continue
        pictures.append(
            LabeledPicture(
                path=path.parent / row["file"],
                plate=normalize_plate(row["plate"]),
                label=row.get("plate_class") or "unnamed",
            )
        )
    return pictures


def evaluate_labeled(
    reader: PlateReader,
    pictures: list[LabeledPicture],
    *,
    crops: bool,
    stopwatch_s: Callable[[], float],
) -> Iterator[tuple[LabeledPicture, Tally, str]]:
    """Reads one picture after the other; yields it, its own tally of one, and what was read.

    A picture that cannot be loaded counts as not found.
    """
    for picture in pictures:
        tally, texts = Tally(), list[str]()
        started_s = stopwatch_s()
        try:
            image = load_picture(picture.path)
            started_s = stopwatch_s()
            if crops:
                reading = reader.read_crop(image)
                texts = [reading.text] if reading else []
            else:
                texts = [reading.text for reading in reader.read(image)]
        except PictureError as exc:
            texts = []
            shown = str(exc)
        else:
            shown = " ".join(texts)
        duration_ms = (stopwatch_s() - started_s) * 1000
        exact = any(_same(text, picture.plate) for text in texts)
        tally.count(found=bool(texts), exact=exact, duration_ms=duration_ms)
        yield picture, tally, shown


def _same(one: str, other: str) -> bool:
    """Equal with O as 0 and I as 1 everywhere, the issuing office included."""
    fold = str.maketrans("OI", "01")
    return one.translate(fold) == other.translate(fold)
