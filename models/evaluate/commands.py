"""The commands of `gate-lpr` that draw, measure and fit; `models/cli.py` puts them in its list."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.evaluate import benchmark
from models.evaluate.agreement import agreement
from models.evaluate.calibrating import fitted
from models.evaluate.drawn import drawn_trucks, evaluate_drawn
from models.evaluate.examination.texts import ExamKind
from models.evaluate.examined import Examination, evaluate_examination
from models.evaluate.fresh_process import fresh_process
from models.evaluate.labeled import LabelsError, evaluate_labeled, read_labels
from models.evaluate.passages import passages
from models.evaluate.peers import UNDER_OUR_GRAMMARS, installed_peers
from models.evaluate.tally import Outcome, Tally, by_label, table
from models.lpr.opening import open_plate_reader, open_verify_policy
from models.lpr.second_opinion import second_opinion
from models.lpr.weights_card import WeightsCard
from models.synth.plate_pictures import draw_plate, random_plate
from models.synth.scenes import draw_scene, encode_jpeg, photograph
from models.synth.sheet import write_sheet

if TYPE_CHECKING:
    from models.lpr.api import PlateReader


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `synth`, the `eval` commands, `calibrate` and `bench`."""
    synth = commands.add_parser("synth", help="draw sample pictures to look at")
    synth.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to fill")
    synth.add_argument("-n", type=_count, default=12, metavar="N", help="how many (12)")
    synth.add_argument("--seed", type=int, default=1, help="the same seed, the same pictures (1)")
    synth.set_defaults(run=_synth)

    labeled = commands.add_parser("eval", help="measure on labeled photographs and crops")
    labeled.add_argument("labels", type=Path, nargs="+", metavar="LABELS.csv")
    labeled.add_argument("--crop", action="store_true", help="the rows without a box only: crops")
    labeled.add_argument("--every", type=_count, default=1, metavar="K", help="each K-th row only")
    labeled.add_argument(
        "--examined-only", action="store_true", help="leave out what taught the networks"
    )
    _add_verbose(labeled)
    labeled.set_defaults(run=_evaluate_labeled)

    exam = commands.add_parser("eval-exam", help="measure on the sealed drawn examination")
    exam.add_argument("--every", type=_count, default=1, metavar="K", help="each K-th question")
    exam.add_argument("--frames", type=_count, default=1, help="frames of each passage (1)")
    exam.add_argument("--keep", type=Path, metavar="DIR", help="keep and reuse the pictures")
    exam.add_argument("--kind", action="append", type=ExamKind, metavar="KIND", help="only these")
    _add_verbose(exam)
    exam.set_defaults(run=_evaluate_examination)

    drawn = commands.add_parser("eval-synth", help="measure the vote on drawn trucks")
    drawn.add_argument("-n", type=_count, default=500, metavar="N", help="trucks (500)")
    drawn.add_argument("--seed", type=int, default=1)
    drawn.add_argument("--frames", type=_count, default=3, help="frames of each truck (3)")
    drawn.add_argument("--unreadable", action="store_true", help="mud and glare on every plate")
    _add_verbose(drawn)
    drawn.set_defaults(run=_evaluate_drawn)

    fit = commands.add_parser("calibrate", help="fit confidence and verification to the weights")
    fit.add_argument("pictures", type=Path, metavar="DIR", help="labels.csv, labels2.csv, pictures")
    fit.set_defaults(run=_calibrate)

    bench = commands.add_parser("bench", help="every number, beside the readers installed here")
    bench.add_argument("--pictures", type=Path, metavar="DIR", help="labeled real pictures")
    bench.add_argument("--every", type=_count, default=1, metavar="K", help="each K-th question")
    bench.add_argument("--keep", type=Path, metavar="DIR", help="keep and reuse drawn pictures")
    bench.add_argument("--alone", action="store_true", help="without the peers")
    bench.set_defaults(run=_bench)


def _add_verbose(command: argparse.ArgumentParser) -> None:
    command.add_argument("--verbose", action="store_true", help="print each plate misread")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"{text} is not at least 1")
    return number


def _opened(arguments: argparse.Namespace) -> PlateReader:
    return open_plate_reader(arguments.weights, asks_second=not arguments.no_second)


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
    write_sheet(arguments.seed, str(arguments.out / "kinds.png"))
    print(f"{arguments.n} scenes, their plates, and a sheet of all kinds in {arguments.out}")
    return 0


def _evaluate_labeled(arguments: argparse.Namespace) -> int:
    reader = _opened(arguments)
    for path in arguments.labels:
        pictures = read_labels(
            path, crops=True if arguments.crop else None, examined_only=arguments.examined_only
        )[:: arguments.every]
        if not pictures:
            raise LabelsError(f"{path}: no row to measure")
        for is_crop in (True, False):
            some = [p for p in pictures if (p.box is None) == is_crop]
            outcomes = list(evaluate_labeled(reader, some, stopwatch_s=time.perf_counter))
            if outcomes:
                print(f"{path}: {'crops' if is_crop else 'photographs'} by source, then by class")
                print(table(by_label((p.source[:22], o) for p, o in outcomes)))
                _print(((p.label, o) for p, o in outcomes), verbose=arguments.verbose)
    return 0


def _evaluate_examination(arguments: argparse.Namespace) -> int:
    examination = Examination(
        frames=arguments.frames,
        every=arguments.every,
        kinds=tuple(arguments.kind or ExamKind),
        kept=arguments.keep,
    )
    outcomes = evaluate_examination(_opened(arguments), examination, stopwatch_s=time.perf_counter)
    _print(outcomes, verbose=arguments.verbose)
    return 0


def _evaluate_drawn(arguments: argparse.Namespace) -> int:
    trucks = drawn_trucks(arguments.n, arguments.seed, unreadable=arguments.unreadable)
    outcomes = evaluate_drawn(
        _opened(arguments), trucks, frames=arguments.frames, stopwatch_s=time.perf_counter
    )
    _print(((t.plate_class.value, outcome) for t, outcome in outcomes), verbose=arguments.verbose)
    return 0


def _calibrate(arguments: argparse.Namespace) -> int:
    reader = open_plate_reader(arguments.weights, asks_second=False, calibrated=False)
    second = None if arguments.no_second else second_opinion()
    card = WeightsCard(arguments.weights)
    numbers = fitted(reader, second, arguments.pictures).toml(card.hash_of("recognizer"))
    card.calibration_path.write_text(numbers, "utf-8")
    print(f"{card.calibration_path}:\n{numbers}", end="")
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    own = _opened(arguments)
    readers = {"kakou": own, **({} if arguments.alone else installed_peers())}
    lines = [fresh_process("kakou", arguments.weights), benchmark.speed(readers)]
    if arguments.pictures is not None:
        alone = open_plate_reader(arguments.weights, asks_second=False)
        policy = open_verify_policy(arguments.weights)
        lines.append(benchmark.real_pictures(readers, arguments.pictures))
        lines.append(passages("kakou", own, arguments.pictures))
        if UNDER_OUR_GRAMMARS in readers:
            lines.append(agreement(alone, readers[UNDER_OUR_GRAMMARS], arguments.pictures))
        lines.append(benchmark.verification(own, policy, arguments.pictures))
    lines.append(benchmark.examination(readers, every=arguments.every, kept=arguments.keep))
    for measured in chain.from_iterable(lines):
        print(measured.line(), flush=True)
    return 0


def _print(rows: Iterable[tuple[str, Outcome]], *, verbose: bool) -> dict[str, Tally]:
    kept = []
    for label, outcome in rows:
        kept.append((label, outcome))
        if verbose and not outcome.is_exact:
            shown = outcome.shown or "nothing"
            print(f"{outcome.plate} ({label}) read as {shown}", flush=True)
    tallies = by_label(kept)
    print(table(tallies))
    return tallies
