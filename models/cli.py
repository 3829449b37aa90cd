"""`gate-lpr`: reads plates from picture files, and measures the reader.

Exit status: 0 all done; 1 a picture could not be read as a picture, or a measurement missed its
floor; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.evaluate.drawn import drawn_trucks, evaluate_drawn
from models.evaluate.labeled import LabelsError, evaluate_labeled, read_labels
from models.evaluate.tally import Tally, table
from models.lpr.api import PictureError, PlateReader
from models.lpr.opening import open_plate_reader
from models.lpr.plates import PlateReading
from models.lpr.session import WeightsError
from models.pictures import load_picture
from models.synth.plate_pictures import draw_plate, random_plate
from models.synth.scenes import draw_scene, encode_jpeg, photograph


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    arguments = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    try:
        status: int = arguments.run(arguments)
    except (WeightsError, LabelsError) as exc:
        print(f"gate-lpr: {exc}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing is left to say
        return 0
    except OSError as exc:  # a folder that cannot be written, a disk that is full
        print(f"gate-lpr: {exc.filename}: {exc.strerror}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gate-lpr", description="Reads number plates.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    read = commands.add_parser("read", help="read the plates of pictures")
    read.add_argument("images", nargs="+", metavar="IMAGE", type=Path)
    read.add_argument("--crop", action="store_true", help="each picture is one plate, cut out")
    read.add_argument("--json", action="store_true", help="one JSON object per picture and line")
    read.set_defaults(run=_read)

    synth = commands.add_parser("synth", help="draw sample pictures to look at")
    synth.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to fill")
    synth.add_argument("-n", type=_count, default=12, metavar="N", help="how many (12)")
    synth.add_argument("--seed", type=int, default=1, help="the same seed, the same pictures (1)")
    synth.set_defaults(run=_synth)

    labeled = commands.add_parser("eval", help="measure on labeled photographs")
    labeled.add_argument("labels", type=Path, metavar="LABELS.csv")
    labeled.add_argument("--crop", action="store_true", help="the rows without a box: crops")
    labeled.add_argument("--every", type=_count, default=1, metavar="K", help="each K-th row only")
    labeled.add_argument("--verbose", action="store_true", help="print each plate misread")
    labeled.set_defaults(run=_evaluate_labeled)

    drawn = commands.add_parser("eval-synth", help="measure the vote on drawn trucks")
    drawn.add_argument("-n", type=_count, default=500, metavar="N", help="trucks (500)")
    drawn.add_argument("--seed", type=int, default=1)
    drawn.add_argument("--frames", type=_count, default=3, help="frames of each truck (3)")
    drawn.add_argument("--unreadable", action="store_true", help="mud and glare on every plate")
    drawn.set_defaults(run=_evaluate_drawn)
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"{text} is not at least 1")
    return number


def _read(arguments: argparse.Namespace) -> int:
    reader = open_plate_reader()
    failed = False
    for path in arguments.images:
        answer = _answer(reader, path, crop=arguments.crop)
        failed = failed or "error" in answer
        line = json.dumps(answer, ensure_ascii=False) if arguments.json else _plainly(answer)
        print(line, flush=True)
    return int(failed)


def _answer(reader: PlateReader, path: Path, *, crop: bool) -> dict[str, Any]:
    try:
        image = load_picture(path)
        started_s = time.perf_counter()
        if crop:
            reading = reader.read_crop(image)
            readings = [reading] if reading else []
        else:
            readings = reader.read(image)
    except PictureError as exc:
        return {"image": str(path), "error": str(exc)}
    duration_ms = round((time.perf_counter() - started_s) * 1000, 1)
    return {"image": str(path), "ms": duration_ms, "plates": [_plate(r) for r in readings]}


def _plate(reading: PlateReading) -> dict[str, Any]:
    return {
        "text": reading.text,
        "plate_class": reading.plate_class.value,
        "rows": reading.rows,
        "confidence": round(reading.confidence, 4),
        "corners": [[round(x, 1), round(y, 1)] for x, y in reading.corners],
    }


def _plainly(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    plates = ", ".join(
        f"{p['text']} ({p['plate_class']}, {p['confidence']:.3f})" for p in answer["plates"]
    )
    return f"{answer['image']}: {plates or 'no plate'} in {answer['ms']:.0f} ms"


def _synth(arguments: argparse.Namespace) -> int:
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.n):
        rng = np.random.default_rng((arguments.seed, number))
        text, plate_class = random_plate(rng)
        plate = draw_plate(text, plate_class)
        name = f"{number:04d}-{text}-{plate_class}"
        scene = draw_scene(rng, plate, unreadable=number % 10 == 9)  # noqa: PLR2004 - every tenth
        (arguments.out / f"{name}.jpg").write_bytes(encode_jpeg(photograph(rng, scene)))
        (arguments.out / f"{name}-plate.jpg").write_bytes(encode_jpeg(plate))
    print(f"{arguments.n} scenes and their plates in {arguments.out}")
    return 0


def _evaluate_labeled(arguments: argparse.Namespace) -> int:
    pictures = read_labels(arguments.labels, crops=arguments.crop)[:: arguments.every]
    if not pictures:
        raise LabelsError(f"{arguments.labels}: no row to measure")
    outcomes = evaluate_labeled(
        open_plate_reader(), pictures, crops=arguments.crop, stopwatch_s=time.perf_counter
    )
    rows = ((p.label, p.plate, tally, shown) for p, tally, shown in outcomes)
    print(table(_collected(rows, verbose=arguments.verbose)))
    return 0


def _evaluate_drawn(arguments: argparse.Namespace) -> int:
    trucks = drawn_trucks(arguments.n, arguments.seed, unreadable=arguments.unreadable)
    outcomes = evaluate_drawn(
        open_plate_reader(), trucks, frames=arguments.frames, stopwatch_s=time.perf_counter
    )
    rows = ((t.plate_class.value, t.text, tally, shown) for t, tally, shown in outcomes)
    print(table(_collected(rows, verbose=True)))
    return 0


def _collected(rows: Iterable[tuple[str, str, Tally, str]], *, verbose: bool) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    for label, plate, tally, shown in rows:
        if verbose and not tally.exact:
            print(f"{plate} ({label}) read as {shown or 'nothing'}", flush=True)
        kept = tallies.setdefault(label, Tally())
        kept.count(
            found=bool(tally.found), exact=bool(tally.exact), duration_ms=tally.durations_ms[0]
        )
    return tallies


if __name__ == "__main__":
    sys.exit(main())
