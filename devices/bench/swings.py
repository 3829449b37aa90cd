"""Does the interval of `weighbridge/swing.py` hold on this scale? Asked of a tape of its wire.

The tape goes through the codec and the settling rule of the lane, as its wire did. Each load that
settled is held against the intervals that were named before it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from devices.bench.tape import TapeError
from devices.bench.wording import said
from devices.texts import cells_of
from devices.weighbridge.indication import IndicatorFrame, reading_of
from devices.weighbridge.protocols import protocol_named, protocols
from devices.weighbridge.settle import SettleFilter, WeightPhase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devices.bench.tape import Tape
    from devices.config import WeighbridgeConfig
    from devices.texts import Language
    from devices.weighbridge.settle import WeightState

WIDTHS = (4, 10, 9, 10)  # of the table's columns, in cells of a terminal
ON_PERCENT = 10  # a vehicle whose reading is this far from where it settles is not yet all on


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One load that settled. Times are seconds of the tape.

    `on_s`: since when every reading was within a tenth of `settled_kg`. `named_s` is when the
    first interval came that rests on nothing older, and `interval_kg` that interval (low, high);
    None: none came before it settled. `wrong` of the `named` intervals did not hold it.
    """

    settled_kg: int
    on_s: float
    settled_s: float
    named_s: float | None
    interval_kg: tuple[int, int] | None
    named: int
    wrong: int


def loads_of(tape: Tape, config: WeighbridgeConfig) -> list[Load]:
    """Every load of a weighbridge's tape.

    `config` gives division, unit and the settling rule; the protocol is the tape's own.

    Raises:
        TapeError: the tape is of another device, or of an indicator unknown here.
    """
    loads: list[Load] = []
    since: list[tuple[float, WeightState]] = []  # since the platform was empty, or last settled
    for at_s, state in _states(tape, config):
        if state.phase is WeightPhase.SETTLED:
            if since and since[-1][1].phase is not WeightPhase.SETTLED:
                loads.append(_load(at_s, state, since))
            since = [(at_s, state)]
        elif state.phase in (WeightPhase.EMPTY, WeightPhase.INVALID, WeightPhase.STALE):
            since = []
        else:
            since.append((at_s, state))
    return loads


def _states(tape: Tape, config: WeighbridgeConfig) -> Iterator[tuple[float, WeightState]]:
    """What the lane made of every frame."""
    head = tape.head
    if head.device != "weighbridge" or head.driver not in protocols():
        raise TapeError(said("swings.other_tape", device=head.device, driver=head.driver))
    decoder = protocol_named(head.driver, config.address).make_decoder()
    settling = SettleFilter(msgspec.structs.replace(config, judge_swing=True))
    for piece in tape.pieces:
        if piece.direction != "<":
            continue
        for heard in decoder.feed(piece.payload):
            if isinstance(heard, IndicatorFrame):
                reading = reading_of(
                    heard,
                    received_s=piece.at_s,
                    division_kg=config.division_kg,
                    unit=config.unit,
                )
                yield piece.at_s, settling.feed(reading)


def _load(settled_s: float, settled: WeightState, before: list[tuple[float, WeightState]]) -> Load:
    settled_kg = settled.gross_kg or 0
    on_s = before[0][0]
    for at_s, state in before:
        if abs((state.shown_kg or 0) - settled_kg) * 100 > ON_PERCENT * settled_kg:
            on_s = at_s
    named = [
        (at_s, state.bracket_kg)
        for at_s, state in before
        if state.bracket_kg is not None and state.judged_since_s > on_s
    ]
    return Load(
        settled_kg=settled_kg,
        on_s=on_s,
        settled_s=settled_s,
        named_s=named[0][0] if named else None,
        interval_kg=named[0][1] if named else None,
        named=len(named),
        wrong=sum(not low_kg <= settled_kg <= high_kg for _, (low_kg, high_kg) in named),
    )


def is_proof(loads: Sequence[Load]) -> bool:
    """Whether intervals were named, and every one of them held the weight."""
    return any(load.named for load in loads) and not any(load.wrong for load in loads)


def lines_of(loads: Sequence[Load], language: Language) -> Iterator[str]:
    """The loads as a table for a terminal, and what they show."""
    columns = ("load", "settled_kg", "settled_s", "interval_s", "interval_kg")
    yield _row([said(f"swings.{column}")[language] for column in columns])
    for number, load in enumerate(loads, start=1):
        named = said("swings.none")[language]
        if load.named_s is not None:
            named = f"{load.named_s - load.on_s:.2f}"
        settled_s = f"{load.settled_s - load.on_s:.2f}"
        yield _row([f"{number}", f"{load.settled_kg}", settled_s, named, _held(load, language)])
    named_count = sum(load.named for load in loads)
    yield said(
        "swings.total",
        loads=len(loads),
        early=sum(load.named_s is not None for load in loads),
        wrong=sum(load.wrong for load in loads),
        named=named_count,
    )[language]
    if not named_count:
        yield said("swings.not_proved")[language]


def _row(cells: Sequence[str]) -> str:
    """One line of the table: numbers flush right, the interval after them as it is."""
    *numbers, interval = cells
    filled = (
        " " * (width - cells_of(text)) + text for width, text in zip(WIDTHS, numbers, strict=True)
    )
    return f"{' '.join(filled)}  {interval}".rstrip()


def _held(load: Load, language: Language) -> str:
    """The first interval of a load, and how many were wrong."""
    if load.interval_kg is None:
        return ""
    low_kg, high_kg = load.interval_kg
    between = said("swings.between", low_kg=low_kg, high_kg=high_kg)[language]
    if not load.wrong:
        return between
    return f"{between}   {said('swings.wrong', wrong=load.wrong, named=load.named)[language]}"
