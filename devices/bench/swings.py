"""Does the interval of `weighbridge/swing.py` hold on this scale? Asked of a tape of its wire.

The tape goes through the codec and the settling rule of the lane, as its wire did. Each load that
settled is held against the intervals that were named before it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from devices.bench.tape import TapeError
from devices.weighbridge.indication import IndicatorFrame, reading_of
from devices.weighbridge.protocols import protocol_named, protocols
from devices.weighbridge.settle import SettleFilter, WeightPhase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devices.bench.tape import Tape
    from devices.config import WeighbridgeConfig
    from devices.weighbridge.settle import WeightState

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
        raise TapeError(f"a tape of {head.device} {head.driver}: no weighbridge that is known")
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


def lines_of(loads: Sequence[Load]) -> Iterator[str]:
    """The loads as a table for a terminal, and what they show."""
    yield f"{'load':>4} {'settled_kg':>10} {'settled_s':>9} {'interval_s':>10}  interval_kg"
    for number, load in enumerate(loads, start=1):
        named = "none" if load.named_s is None else f"{load.named_s - load.on_s:.2f}"
        low_kg, high_kg = load.interval_kg or ("", "")
        said = f"{low_kg} to {high_kg}" if load.interval_kg else ""
        wrong = f"   {load.wrong} of {load.named} WRONG" if load.wrong else ""
        settled_s = load.settled_s - load.on_s
        yield f"{number:>4} {load.settled_kg:>10} {settled_s:>9.2f} {named:>10}  {said}{wrong}"
    early = sum(load.named_s is not None for load in loads)
    wrong_count, named_count = sum(load.wrong for load in loads), sum(load.named for load in loads)
    yield (
        f"{len(loads)} loads settled, {early} with an interval before;"
        f" {wrong_count} of {named_count} intervals wrong"
    )
    if not named_count:
        yield "NOT PROVED: no interval was named, so none was right"
