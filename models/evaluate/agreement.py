"""How often two readers are right where they agree, and who is where they do not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from models.evaluate.labeled import evaluate_labeled
from models.evaluate.measured import Measured, share
from models.evaluate.sets import examined_pictures
from models.evaluate.tally import same_plate
from models.lpr.api import PlateReader


def agreement(first: PlateReader, second: PlateReader, root: Path) -> Iterator[Measured]:
    """Both read every real picture kept apart, neither knowing the other.

    Args:
        first: ours, and one that asks nobody in doubt.
        second: the other.
        root: the folder with the labeled pictures.
    """
    sets = examined_pictures(root).values()
    pictures = list(dict.fromkeys(picture for some in sets for picture in some))
    ours, theirs = (
        [o for _, o in evaluate_labeled(reader, pictures, stopwatch_s=time.perf_counter)]
        for reader in (first, second)
    )
    pairs = list(zip(ours, theirs, strict=True))
    same = [a for a, b in pairs if a.is_found and same_plate(a.text, b.text)]
    apart = [(a, b) for a, b in pairs if not (a.is_found and same_plate(a.text, b.text))]
    title = "kakou alone and PP-OCRv4 under our grammars"
    yield share(f"{title}: agree", len(same), len(pairs))
    yield share(f"{title}: right where they agree", sum(a.is_exact for a in same), len(same))
    yield share(f"{title}: apart, kakou right", sum(a.is_exact for a, _ in apart), len(apart))
    yield share(f"{title}: apart, PP-OCRv4 right", sum(b.is_exact for _, b in apart), len(apart))
    either = sum(a.is_exact or b.is_exact for a, b in pairs)
    yield share(f"{title}: one of them right", either, len(pairs))
