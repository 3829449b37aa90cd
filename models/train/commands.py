"""The commands of `gate-lpr` that teach; `models/cli.py` puts them in its list.

PyTorch is loaded only when one of them runs: the lane does without it.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from models.lpr.detector import Detector
from models.lpr.session import open_session
from models.lpr.weights_card import CARD, WEIGHTS, WeightsCard
from models.train.card import put_on_card

NETS: Final = ("recognizer", "refiner", "detector")
_LICENCE: Final = "as this repository"


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `train`, `export` and `eval-detector`."""
    train = commands.add_parser("train", help="teach a network (needs PyTorch)")
    train.add_argument("net", choices=NETS)
    train.add_argument("--out", required=True, type=Path, metavar="DIR", help="its checkpoint")
    train.add_argument(
        "--minutes", required=True, type=float, help="the whole plan, resumed or not"
    )
    train.add_argument("--glyphs", type=Path, metavar="DIR", help="pictures of real characters")
    train.add_argument("--real", type=Path, metavar="DIR", help="labeled real pictures")
    train.add_argument("--seed", type=int, default=1)
    train.add_argument("--learners", type=int, default=1, help="threads that learn (1)")
    train.set_defaults(run=_train)

    export = commands.add_parser("export", help="put a taught network among the weights")
    export.add_argument("net", choices=NETS)
    export.add_argument("--from", required=True, type=Path, metavar="DIR", dest="checkpoints")
    export.add_argument("--to", type=Path, default=WEIGHTS, metavar="DIR", help="folder of weights")
    export.add_argument(
        "--exact", action="store_true", help="in full precision: larger, slower, hardly better"
    )
    export.add_argument("--data", required=True, help="what taught it, for the card")
    export.add_argument("--metrics", required=True, help="what it reached, for the card")
    export.set_defaults(run=_export)

    found = commands.add_parser("eval-detector", help="measure where plates are found, unread")
    found.add_argument("--real", required=True, type=Path, metavar="DIR", help="real pictures")
    found.add_argument("--weights", type=Path, metavar="DIR", help="other weights, with a card")
    found.set_defaults(run=_evaluate_detector)


def _train(arguments: argparse.Namespace) -> int:
    from models.train.detector import train_detector
    from models.train.loop import TrainingPlan
    from models.train.recognizer import train_recognizer
    from models.train.refiner import train_refiner

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    courses = {
        "recognizer": train_recognizer,
        "refiner": train_refiner,
        "detector": train_detector,
    }
    plan = TrainingPlan(
        out=arguments.out,
        minutes=arguments.minutes,
        glyphs=arguments.glyphs,
        real=arguments.real,
        seed=arguments.seed,
        learners=arguments.learners,
    )
    print(courses[arguments.net](plan))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from models.train.detector_export import export_detector, export_exact
    from models.train.export import export_recognizer, export_refiner

    exports: dict[str, Callable[[Path, Path], int]] = {
        "recognizer": partial(export_recognizer, rounds=not arguments.exact),
        "refiner": export_refiner,
        "detector": export_exact if arguments.exact else export_detector,
    }
    target = arguments.to / f"{arguments.net}.onnx"
    arguments.to.mkdir(parents=True, exist_ok=True)
    steps = exports[arguments.net](arguments.checkpoints / f"{arguments.net}.pt", target)
    facts: dict[str, str | int | float] = {
        "steps": steps,
        "data": arguments.data,
        "metrics": arguments.metrics,
        "licence": _LICENCE,
    }
    put_on_card(arguments.to / CARD, arguments.net, target, facts)
    print(f"{target}: {target.stat().st_size} bytes after {steps} steps")
    return 0


def _evaluate_detector(arguments: argparse.Namespace) -> int:
    from models.train.detector_measure import measure_detector
    from models.train.detector_pictures import photographs
    from models.train.split import Role

    detector = Detector(open_session(WeightsCard(arguments.weights).network("detector")))
    print(measure_detector(detector, photographs(arguments.real, Role.VALIDATE)).line())
    return 0
