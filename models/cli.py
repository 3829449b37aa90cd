"""`gate-lpr`: reads and verifies plates in picture files, measures the reader, teaches it.

Exit status: 0 all done; 1 a picture could not be read as a picture, or a file cannot be used;
2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from models.evaluate import commands as measuring
from models.evaluate.declared import DeclaredError, read_declared
from models.evaluate.labeled import LabelsError
from models.lpr.api import BgrImage, PictureError, PlateReader
from models.lpr.opening import open_plate_reader, open_verify_policy
from models.lpr.plates import PlateReading
from models.lpr.session import WeightsError
from models.lpr.verify import NOTHING, Verification, VerifyPolicy, verify_reading
from models.pictures import load_picture
from models.train import commands as teaching


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    arguments = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    try:
        status: int = arguments.run(arguments)
    except (WeightsError, LabelsError, DeclaredError) as exc:
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
    parser.add_argument(
        "--weights", type=Path, metavar="DIR", help="other weights than those of the package"
    )
    parser.add_argument(
        "--no-second", action="store_true", help="do not ask PP-OCR in doubt, even if installed"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    read = commands.add_parser("read", help="read the plates of pictures")
    _add_pictures(read)
    read.set_defaults(run=_read)

    verify = commands.add_parser("verify", help="say which declared plate a picture shows, if any")
    verify.add_argument(
        "--plates", required=True, type=Path, metavar="FILE", help="one declared plate per line"
    )
    _add_pictures(verify)
    verify.set_defaults(run=_verify)
    measuring.add_commands(commands)
    teaching.add_commands(commands)
    return parser


def _add_pictures(command: argparse.ArgumentParser) -> None:
    command.add_argument("images", nargs="+", metavar="IMAGE", type=Path)
    command.add_argument("--crop", action="store_true", help="each picture is one plate, cut out")
    command.add_argument("--json", action="store_true", help="one JSON object per picture and line")


def _read(arguments: argparse.Namespace) -> int:
    reader = _opened(arguments)
    failed = False
    for path in arguments.images:
        answer = _answer(reader, path, crop=arguments.crop)
        failed = failed or "error" in answer
        line = json.dumps(answer, ensure_ascii=False) if arguments.json else _plainly(answer)
        print(line, flush=True)
    return int(failed)


def _opened(arguments: argparse.Namespace) -> PlateReader:
    return open_plate_reader(arguments.weights, asks_second=not arguments.no_second)


def _answer(reader: PlateReader, path: Path, *, crop: bool) -> dict[str, Any]:
    try:
        image = load_picture(path)
        started_s = time.perf_counter()
        readings = _readings(reader, image, crop=crop)
    except PictureError as exc:
        return {"image": str(path), "error": str(exc)}
    duration_ms = round((time.perf_counter() - started_s) * 1000, 1)
    return {"image": str(path), "ms": duration_ms, "plates": [_plate(r) for r in readings]}


def _readings(reader: PlateReader, image: BgrImage, *, crop: bool) -> list[PlateReading]:
    if not crop:
        return reader.read(image)
    reading = reader.read_crop(image)
    return [reading] if reading else []


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


def _verify(arguments: argparse.Namespace) -> int:
    declared = read_declared(arguments.plates)
    reader, policy = _opened(arguments), open_verify_policy(arguments.weights)
    failed = False
    for path in arguments.images:
        answer = _verified(reader, path, declared, policy, crop=arguments.crop)
        failed = failed or "error" in answer
        line = json.dumps(answer, ensure_ascii=False) if arguments.json else _plain_verdict(answer)
        print(line, flush=True)
    return int(failed)


def _verified(
    reader: PlateReader, path: Path, declared: list[str], policy: VerifyPolicy, *, crop: bool
) -> dict[str, Any]:
    try:
        image = load_picture(path)
        started_s = time.perf_counter()
        readings = _readings(reader, image, crop=crop)
        verdicts = [verify_reading(reader, image, r, declared, policy) for r in readings]
    except PictureError as exc:
        return {"image": str(path), "error": str(exc)}
    duration_ms = round((time.perf_counter() - started_s) * 1000, 1)
    verdict = min(verdicts, key=lambda v: (v.accepted is None, v.none), default=NOTHING)
    return {"image": str(path), "ms": duration_ms, **_verdict(verdict)}


def _verdict(verdict: Verification) -> dict[str, Any]:
    return {
        "candidates": [
            {
                "text": c.text,
                "log_likelihood": round(c.log_likelihood, 4),
                "posterior": round(c.posterior, 6),
            }
            for c in verdict.candidates
            if c.log_likelihood > float("-inf")  # which JSON cannot say
        ],
        "none": round(verdict.none, 6),
        "accepted": verdict.accepted,
    }


def _plain_verdict(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    return f"{answer['image']}: {answer['accepted'] or 'none of the declared plates'}"


if __name__ == "__main__":
    sys.exit(main())
