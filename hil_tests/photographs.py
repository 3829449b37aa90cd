"""`python -m hil_tests.photographs`: real photographs in front of a whole lane's camera.

    python -m hil_tests.photographs --labels PICTURES/labels.csv --folder PICTURES

Each photograph of `frames/` is what the camera sees of one truck, and some crops of plates are
pasted into a drawn scene. Each truck comes twice: once declared with the plate in the picture
(the lane should release it by itself), once declared with a plate that differs in one character
(it must never be released). Hub, lane, drivers and reader are the real ones, as processes; the
card and the weight always fit, so that the plate alone decides. Exit status 0 only if at least
`--at-least` photographs were released and no truck with another plate was.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np

from devices.clock import SystemClock
from devices.sim.lane_world import TruckVisit
from gate_agent.domain.matching import normalize_plate
from hil_tests.demo.console_client import ConsoleError
from hil_tests.demo.places import PlaceError
from hil_tests.demo.processes import ProcessDied
from hil_tests.rig import Papers, quick_truck
from hil_tests.site import Declared, Site, SiteError
from models.lpr.plates import PlateClass
from models.synth.plate_pictures import draw_plate
from models.synth.scenes import draw_scene, encode_jpeg, paste_crop, photograph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.lpr.api import BgrImage

LANES = 2
AT_LEAST = 12
CROPS = 10
CROP_MIN_WIDTH_PX = 120  # smaller ones show less than a lane's camera does
GROSS_KG = 24_000
TRUCK_S = 90.0
RECORD_S = 15.0
_ALIKE = str.maketrans("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", "1234567890BCDEFGHJKLMNPQRSTUVWXYZA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """One picture with the plate that a person reads in it."""

    name: str
    plate: str
    jpeg: bytes
    is_frame: bool  # else a crop in a drawn scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One truck: what its camera shows and what was declared for it."""

    number: int
    shown: Photograph
    declared_plate: str

    @property
    def is_true(self) -> bool:
        """Whether the declaration names the plate in the picture."""
        return self.declared_plate == self.shown.plate

    @property
    def papers(self) -> Papers:
        """The declared plate with a card and a weight that fit."""
        return Papers(
            plate=self.declared_plate, card_uid=f"{0xA0000000 + self.number:08X}", gross_kg=GROSS_KG
        )


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one truck. `verdict` is the lane's own."""

    picture: str
    plate: str
    declared: str
    is_frame: bool
    verdict: str
    reasons: tuple[str, ...]
    read: str
    boom_rose: bool


class LabelError(Exception):
    """The labels or a picture cannot be used; the message names the file and line."""


def load(labels: Path, folder: Path, crops: int, seed: int) -> list[Photograph]:
    """Every usable photograph of `frames/`, and some crops in drawn scenes."""
    frames: list[Photograph] = []
    cropped: list[tuple[str, str, BgrImage]] = []
    for name, plate in _rows(labels):
        path = folder / name
        if name.startswith("frames/"):
            image = _image(path)
            frames.append(
                Photograph(name=name, plate=plate, jpeg=encode_jpeg(image), is_frame=True)
            )
        elif crops and path.is_file() and (image := _image(path)).shape[1] >= CROP_MIN_WIDTH_PX:
            cropped.append((name, plate, image))
    chosen = random.Random(seed).sample(cropped, min(crops, len(cropped)))
    return frames + [_in_a_scene(*one, seed=seed + n) for n, one in enumerate(chosen)]


def _rows(labels: Path) -> Iterator[tuple[str, str]]:
    try:
        with labels.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if "disputed" not in (row["note"] or "") and row["plate"]:
                    yield row["file"], normalize_plate(row["plate"])
    except OSError as exc:
        raise LabelError(f"{labels}: {exc.strerror}") from exc
    except KeyError as exc:
        raise LabelError(f"{labels}: no column {exc}") from exc
    except UnicodeDecodeError as exc:
        raise LabelError(f"{labels}: not UTF-8 at byte {exc.start}") from exc


def _image(path: Path) -> BgrImage:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise LabelError(f"{path}: not a picture")
    return np.asarray(image, np.uint8)


def _in_a_scene(name: str, plate: str, crop: BgrImage, *, seed: int) -> Photograph:
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, draw_plate("粤B00000", PlateClass.BLUE))
    jpeg = encode_jpeg(photograph(rng, paste_crop(scene, crop)))
    return Photograph(name=name, plate=plate, jpeg=jpeg, is_frame=False)


def another_plate(plate: str) -> str:
    """A plate that differs in its last character only: the hardest to tell apart."""
    return plate[:-1] + plate[-1].translate(_ALIKE)


class Photographs:
    """All trucks of all photographs through the lanes of one site."""

    def __init__(self, site: Site, pictures: list[Photograph], clock: SystemClock) -> None:
        plates = [
            (one, plate) for one in pictures for plate in (one.plate, another_plate(one.plate))
        ]
        self._trials = [
            Trial(number=number, shown=one, declared_plate=plate)
            for number, (one, plate) in enumerate(plates)
        ]
        self._site = site
        self._clock = clock
        self.results: list[Result] = []
        self.problems: list[str] = []

    def run(self) -> None:
        """Declare everything, send every truck, look up every verdict."""
        self._site.start(
            declared=[
                Declared(declaration_id=f"photo-{trial.number}", papers=trial.papers)
                for trial in self._trials
            ]
        )
        names = list(self._site.lanes)
        threads = [
            threading.Thread(target=self._drive, args=(name, self._trials[first :: len(names)]))
            for first, name in enumerate(names)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.results.sort(key=lambda result: (not result.is_frame, result.picture, result.declared))

    def _drive(self, lane: str, trials: list[Trial]) -> None:
        console = self._site.client("supervisor")
        try:
            for trial in trials:
                self.results.append(self._pass(lane, trial, console))
        except (SiteError, ConsoleError, ProcessDied) as exc:
            self.problems.append(f"{lane}: {exc}")

    def _pass(self, lane: str, trial: Trial, console: Any) -> Result:  # noqa: ANN401 - a session
        bench = self._site.benches[lane]
        known = self._newest(console, lane)
        raised = bench.world.boom.raise_count
        handle = bench.world.send(
            TruckVisit(
                truck=quick_truck(GROSS_KG, seed=trial.number),
                picture=trial.shown.jpeg,
                card_uid=trial.papers.card_uid,
            )
        )
        deadline_s = self._clock.now().mono_s + TRUCK_S
        while not handle.wait_gone(0.2):
            if self._clock.now().mono_s > deadline_s:
                raise SiteError(f"{trial.shown.name}: the truck did not leave the lane")
            passage = self._newest(console, lane)
            if self._is_new(passage, known) and passage["verdict"] in ("hold", "refuse", "inspect"):
                handle.turn_back()
        self._site.wait(
            lambda: self._is_closed(self._newest(console, lane), known),
            f"{trial.shown.name}: the record of its passage",
            RECORD_S,
        )
        passage = self._newest(console, lane)
        return Result(
            picture=trial.shown.name,
            plate=trial.shown.plate,
            declared=trial.declared_plate,
            is_frame=trial.shown.is_frame,
            verdict=passage["verdict"],
            reasons=tuple(passage["reasons"]),
            read=passage["plate"] or "",
            boom_rose=bench.world.boom.raise_count > raised,
        )

    def _newest(self, console: Any, lane: str) -> Any:  # noqa: ANN401 - JSON of the console
        rows = console.get("/passages", lane=lane, limit=1)
        return rows[0] if rows else {"passage_id": "", "verdict": None, "closed_at_ms": None}

    def _is_new(self, passage: Any, known: Any) -> bool:  # noqa: ANN401 - JSON of the console
        return bool(passage["passage_id"] != known["passage_id"])

    def _is_closed(self, passage: Any, known: Any) -> bool:  # noqa: ANN401 - JSON of the console
        return self._is_new(passage, known) and passage["closed_at_ms"] is not None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The counts, and every truck."""

    frames: int
    frames_released: int
    crops: int
    crops_released: int
    wrongly_released: int  # declared with another plate, and the boom rose
    seconds: float
    results: tuple[Result, ...]
    problems: tuple[str, ...]


def report_of(trials: Photographs, seconds: float) -> Report:
    """Count what was released, rightly and wrongly."""
    true = [one for one in trials.results if one.declared == one.plate]
    false = [one for one in trials.results if one.declared != one.plate]
    frames = [one for one in true if one.is_frame]
    crops = [one for one in true if not one.is_frame]
    return Report(
        frames=len(frames),
        frames_released=sum(one.verdict == "release" and one.boom_rose for one in frames),
        crops=len(crops),
        crops_released=sum(one.verdict == "release" and one.boom_rose for one in crops),
        wrongly_released=sum(one.verdict == "release" or one.boom_rose for one in false),
        seconds=round(seconds, 1),
        results=tuple(trials.results),
        problems=tuple(trials.problems),
    )


def _print(report: Report) -> None:
    for one in report.results:
        true = one.declared == one.plate
        if true == (one.verdict == "release"):
            continue
        what = "not released" if true else "WRONGLY RELEASED"
        why = ", ".join(one.reasons) or one.verdict
        print(f"{what}: {one.plate} declared {one.declared}, read {one.read or '-'}: {why}")
    frames = f"{report.frames_released} of {report.frames} photographs released"
    crops = f"{report.crops_released} of {report.crops} crops in drawn scenes"
    print(f"{frames}, {crops}; {report.wrongly_released} of another plate", end="")
    print(f"; {report.seconds} s")
    for problem in report.problems:
        print(f"problem: {problem}")


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 only if enough were released and none wrongly."""
    parser = argparse.ArgumentParser(prog="make photographs", description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=Path, required=True, help="labels.csv")
    parser.add_argument("--folder", type=Path, required=True, help="where its files are")
    parser.add_argument("--at-least", type=int, default=AT_LEAST, help="photographs to release")
    parser.add_argument("--crops", type=int, default=CROPS, help="crops to paste into scenes")
    parser.add_argument("--seed", type=int, default=1, help="which crops")
    parser.add_argument("--json", type=Path, help="write the report there")
    options = parser.parse_args(arguments)
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="kakou-photographs-") as folder:
        try:
            pictures = load(options.labels, options.folder, options.crops, options.seed)
            began_s = clock.now().mono_s
            with Site(Path(folder), LANES, clock) as site:
                trials = Photographs(site, pictures, clock)
                trials.run()
        except (LabelError, SiteError, PlaceError, ConsoleError, ProcessDied) as exc:
            print(f"photographs: {exc}", file=sys.stderr)
            return 1
        report = report_of(trials, clock.now().mono_s - began_s)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    _print(report)
    enough = report.frames_released >= options.at_least
    return 0 if enough and not report.wrongly_released and not report.problems else 1


if __name__ == "__main__":
    sys.exit(main())
