"""The plate reader's numbers, beside those of the readers that are installed here.

Everything is measured by `models.evaluate.benchmark`, which `gate-lpr bench` prints, too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hil_tests.bench.figures import Figure, Part
from models.evaluate import benchmark
from models.evaluate.agreement import agreement
from models.evaluate.fresh_process import fresh_process
from models.evaluate.measured import Measured
from models.evaluate.passages import passages
from models.evaluate.peers import UNDER_OUR_GRAMMARS, installed_peers
from models.lpr.opening import open_plate_reader, open_verify_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.lpr.api import PlateReader


def measure(
    *, pictures: Path | None, every: int, kept: Path | None, say: Callable[[str], None]
) -> Iterator[Part]:
    """Speed, real pictures where a folder of them is named, and each `every`-th exam question."""
    own = open_plate_reader()
    readers: dict[str, PlateReader] = {"kakou": own, **installed_peers()}
    yield _part("Plates: a process that starts", "", fresh_process("kakou", None), say)
    yield _part("Plates: speed, one thread", "", benchmark.speed(readers), say)
    if pictures is not None:
        named = f" --pictures {pictures}"
        real = benchmark.real_pictures(readers, pictures)
        yield _part("Plates: real pictures kept out of training", named, real, say)
        voted = passages("kakou", own, pictures)
        yield _part("Plates: passages of three frames", named, voted, say)
        if UNDER_OUR_GRAMMARS in readers:
            alone = open_plate_reader(asks_second=False)
            both = agreement(alone, readers[UNDER_OUR_GRAMMARS], pictures)
            yield _part("Plates: two readers", named, both, say)
        trials = benchmark.verification(own, open_verify_policy(), pictures)
        yield _part("Plates: verification", named, trials, say)
    else:
        sys.stderr.write("bench: no --pictures: real photographs are not measured\n")
    drawn = benchmark.examination(readers, every=every, kept=kept)
    yield _part("Plates: the sealed examination", f" --every {every}", drawn, say)


def _part(
    title: str,
    options: str,
    lines: Iterator[Measured],
    say: Callable[[str], None],
) -> Part:
    figures = []
    for line in lines:
        say(f"{title}: {line.name}")
        figures.append(_figure(line))
    command = f"make bench ARGS='--only plates{options}'"
    return Part(title=title, command=command, figures=tuple(figures))


def _figure(line: Measured) -> Figure:
    interval = "" if line.unit else f"95 %: {line.low:.4f}..{line.high:.4f}"
    return Figure(
        name=line.name,
        value=round(line.value, 4),
        unit=line.unit or "share",
        n=line.n,
        at_most=line.at_most,
        at_least=line.at_least,
        remark=interval,
    )
