"""Every number that issue 3 asks for, ours beside the peers', from one run.

Each line carries its bar, its n and, for a share, how many were right: a share without its
interval says little at these n.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.evaluate.calibrating import MEASURE, chosen, trials_on
from models.evaluate.drawn import drawn_trucks
from models.evaluate.examined import UNREAL, Examination, evaluate_examination
from models.evaluate.labeled import evaluate_labeled
from models.evaluate.measured import Measured, plain, share, times
from models.evaluate.sets import MULTI_PROVINCE, PHOTOGRAPHS, RARE, SMALL, examined_pictures, half
from models.evaluate.tally import Outcome, Tally, by_label
from models.evaluate.verification import count
from models.lpr.api import PlateReader
from models.lpr.plates import PlateClass
from models.lpr.verify import VerifyPolicy
from models.synth.plate_pictures import draw_plate

_CROP_PX: Final = (168, 48)
_ROUNDS: Final = 100
_NO_BARS: Final = (None, None)


def real_pictures(readers: dict[str, PlateReader], root: Path) -> Iterator[Measured]:
    """Crops, photographs, rare classes; then what a reader's certainty is worth (the first's).

    The calibration was fitted on one half of these pictures: confidence is measured on the other.
    """
    sets = examined_pictures(root)
    is_measured = half(MEASURE)
    for number, (name, reader) in enumerate(readers.items()):
        apart: list[Outcome] = []
        for group, pictures in sets.items():
            pairs = list(evaluate_labeled(reader, pictures, stopwatch_s=time.perf_counter))
            yield from _of_set(f"{name}: {group}", group, Tally([o for _, o in pairs]))
            apart += [o for p, o in pairs if is_measured(p) and group != RARE]
        if number == 0:
            yield from _certainty(name, Tally(apart))


_EXACT_BARS: Final = {MULTI_PROVINCE: 0.965, SMALL: 0.95, PHOTOGRAPHS: 0.95}


def _of_set(title: str, group: str, tally: Tally) -> Iterator[Measured]:
    n = tally.total
    if group == PHOTOGRAPHS:
        yield share(f"{title}, found", tally.found, n, at_least=0.99)
    yield share(f"{title}, exact", tally.exact, n, at_least=_EXACT_BARS.get(group))
    if group == MULTI_PROVINCE:
        yield share(f"{title}, without province", tally.but_province, n, at_least=0.985)
    if n:
        yield from times(title, [o.duration_ms for o in tally.outcomes])


def _certainty(name: str, tally: Tally) -> Iterator[Measured]:
    title = f"{name}: other half, read without doubt"
    yield share(f"{title}, share", tally.sure, tally.total, at_least=0.9)
    yield share(f"{title}, wrong", tally.sure_and_wrong, tally.sure, at_most=0.005)
    title = f"{name}: other half, calibration error"
    yield plain(title, tally.calibration_error, tally.total)


def examination(
    readers: dict[str, PlateReader], *, every: int, kept: Path | None
) -> Iterator[Measured]:
    """The sealed examination by kind; passages of three frames with the first reader."""
    for number, (name, reader) in enumerate(readers.items()):
        step = every if number == 0 else every * 10
        asked = Examination(every=step, kept=kept)
        yield from _by_kind(name, reader, asked, 0.97 if number == 0 else None)
    name, reader = next(iter(readers.items()))
    passages = Examination(every=every * 10, frames=3, kept=kept)
    outcomes = evaluate_examination(reader, passages, stopwatch_s=time.perf_counter)
    tally = Tally([outcome for label, outcome in outcomes if label != UNREAL])
    yield share(f"{name}: passages of three frames", tally.exact, tally.total, at_least=0.985)


def _by_kind(
    name: str, reader: PlateReader, asked: Examination, bar: float | None
) -> Iterator[Measured]:
    outcomes = evaluate_examination(reader, asked, stopwatch_s=time.perf_counter)
    if bar is None:  # a peer names no class of plate: its text alone counts
        outcomes = ((k, replace(o, text=o.text.rstrip("?"))) for k, o in outcomes)
    for label, tally in by_label(outcomes).items():
        held = None if label == UNREAL else bar
        yield share(f"{name}: examination, {label}", tally.exact, tally.total, at_least=held)


def verification(reader: PlateReader, policy: VerifyPolicy, root: Path) -> Iterator[Measured]:
    """Lists of 5,000 declared plates, on the half of the pictures that the policy never saw."""
    counts = count(trials_on(reader, chosen(root, MEASURE)), policy)
    title = "verification in 5,000 declared, ten neighbors"
    yield share(f"{title}: false accept", counts.false_accepts, counts.impostors, at_most=0.001)
    yield share(f"{title}: true accept", counts.true_accepts, counts.owners, at_least=0.97)


def speed(readers: dict[str, PlateReader]) -> Iterator[Measured]:
    """Drawn frames of 1280 x 720 and crops of 168 x 48, one thread, one reader after the other."""
    frames = [truck.frame() for truck in drawn_trucks(_ROUNDS, seed=11)]
    plate = cv2.resize(
        draw_plate("粤B12345", PlateClass.BLUE), _CROP_PX, interpolation=cv2.INTER_AREA
    )
    crop = np.asarray(plate, np.uint8)
    for number, (name, reader) in enumerate(readers.items()):
        own = number == 0
        shown = frames if own else frames[: _ROUNDS // 5]
        spent_ms = [_timed_ms(partial(reader.read, frame)) for frame in shown]
        yield from times(f"{name}: frame 1280x720", spent_ms, (20, 30) if own else _NO_BARS)
        spent_ms = [_timed_ms(partial(reader.read_crop, crop)) for _ in shown]
        yield from times(f"{name}: crop", spent_ms, (1.5, None) if own else _NO_BARS)


def _timed_ms(read: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    read()
    return (time.perf_counter() - started_s) * 1000
