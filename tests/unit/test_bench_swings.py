"""`gate-bench swings`: a technician proves on a tape of a scale that it may be judged early."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from devices.bench.swings import lines_of, loads_of
from devices.bench.tape import Piece, Tape, TapeError, TapeHead, TapeWriter, read_tape
from devices.cli import main
from devices.clock import ManualClock
from devices.config import WeighbridgeConfig
from devices.weighbridge.indication import IndicatorFrame
from devices.weighbridge.protocols import protocol_named, protocols
from tests.swings import swings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.swings import Floats

CONFIG = WeighbridgeConfig(port="/dev/null", division_kg=20)
Shown = list[tuple[float, int]]


def nothing(
    _rng: np.random.Generator, times_s: Floats, _weight_kg: float, _division_kg: int
) -> tuple[Floats, Floats]:
    return np.zeros_like(times_s), np.zeros_like(times_s)


def tape_of(shown: Sequence[tuple[float, int]], driver: str = "yaohua-continuous") -> Tape:
    """What the indicator sent, in pieces as a serial line brings them."""
    protocol = protocol_named(driver)
    pieces: list[Piece] = []
    for at_s, kg in shown:
        frame = IndicatorFrame(
            digits=kg * 10**protocol.rest.decimals,
            decimals=protocol.rest.decimals,
            unit=protocol.rest.unit,
            kind=protocol.rest.kind,
            motion=protocol.rest.motion,
            step=None if protocol.rest.step is None else 2,
        )
        raw = protocol.encode(frame)
        pieces += [Piece(at_s, "<", raw[:5]), Piece(at_s + 0.004, "<", raw[5:])]
    head = TapeHead(
        device="weighbridge",
        driver=driver,
        place="/dev/ttyS0",
        baud=9600,
        wire="serial",
        began="2026-11-22T08:00:00Z",
    )
    return Tape(head=head, pieces=tuple(pieces), sha256="")


def trucks(seed: int, count: int) -> Shown:
    """One after the other, each from an empty platform."""
    shown: Shown = []
    at_s = 0.0
    for swing in swings(seed, count * 3, nothing):
        if swing.division_kg != CONFIG.division_kg:
            continue
        shown += [(at_s + 0.1 * n, 0) for n in range(10)]
        at_s += 1.0
        shown += [
            (at_s + seen_s, kg) for seen_s, kg in zip(swing.times_s, swing.shown_kg, strict=True)
        ]
        at_s = shown[-1][0]
        shown += [(at_s + 0.1 * n, swing.shown_kg[-1]) for n in range(1, 20)]
        at_s = shown[-1][0] + 0.1
    return shown


@pytest.mark.parametrize("driver", sorted(protocols()))
def test_a_tape_of_every_indicator_shows_the_interval_and_the_weight_in_it(driver: str) -> None:
    loads = loads_of(tape_of(trucks(3, 6), driver), CONFIG)
    assert loads
    for load in loads:
        assert load.wrong == 0
        if load.interval_kg is not None and load.named_s is not None:
            low_kg, high_kg = load.interval_kg
            assert low_kg <= load.settled_kg <= high_kg
            assert load.on_s < load.named_s <= load.settled_s


def test_intervals_come_before_the_weight_and_are_right_on_hundreds_of_taped_swings() -> None:
    loads = loads_of(tape_of(trucks(11, 400)), CONFIG)
    assert len(loads) >= 300
    assert sum(load.wrong for load in loads) == 0
    assert sum(load.named_s is not None for load in loads) * 2 > len(loads)


def test_a_scale_that_ends_elsewhere_than_it_swung_is_told_so() -> None:
    shown: Shown = [(0.1 * n, 0) for n in range(10)]
    at_s = 1.0
    for n in range(40):  # about 30 t, three times a second
        swing_kg = 400 * np.exp(-0.05 * n) * np.sin(2 * np.pi * 2.0 * 0.08 * n)
        shown.append((at_s + 0.08 * n, round((30_000 + swing_kg) / 20) * 20))
    at_s = shown[-1][0]
    shown += [(at_s + 0.1 * n, 31_200 + 20 * (n % 2)) for n in range(1, 30)]  # there it stays
    (load,) = loads_of(tape_of(shown), CONFIG)
    assert load.settled_kg in (31_200, 31_220)
    assert load.wrong > 0
    assert "WRONG" in "\n".join(lines_of([load], "en"))


def test_the_axle_that_came_first_is_no_load_of_its_own() -> None:
    shown: Shown = [(0.1 * n, 0) for n in range(10)]
    for n in range(30):  # the front axle swings and stays, but does not settle
        swing_kg = 300 * np.exp(-0.02 * n) * np.sin(2 * np.pi * 2.0 * 0.08 * n)
        shown.append((1.0 + 0.08 * n, round((9_000 + swing_kg) / 20) * 20))
    at_s = shown[-1][0]
    for n in range(1, 60):
        swing_kg = 500 * np.exp(-0.1 * n) * np.sin(2 * np.pi * 2.0 * 0.08 * n)
        shown.append((at_s + 0.08 * n, round((38_000 + swing_kg) / 20) * 20))
    (load,) = loads_of(tape_of(shown), CONFIG)
    assert load.on_s > at_s - 0.1
    assert load.wrong == 0


def test_a_tape_of_another_device_is_refused_by_its_name() -> None:
    tape = tape_of([(0.0, 0)])
    other = Tape(
        head=TapeHead(
            device="card_reader",
            driver="acg-frame",
            place="/dev/ttyS1",
            baud=9600,
            wire="serial",
            began=tape.head.began,
        ),
        pieces=(),
        sha256="",
    )
    with pytest.raises(TapeError, match="card_reader acg-frame"):
        loads_of(other, CONFIG)


def test_the_command_says_how_many_loads_it_saw_and_fails_without_any(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lane = tmp_path / "lane.toml"
    lane.write_text(
        '[devices.bus]\nhost = "127.0.0.1"\n[devices.weighbridge]\nport = "/dev/ttyS0"\n'
        '[devices.card_reader]\nport = "/dev/ttyS1"\n'
        '[devices.camera]\nsource = "http://127.0.0.1:1/"\n',
        encoding="utf-8",
    )
    at_once: Shown = [(0.1 * n, 0) for n in range(20)]  # it settles before a swing can be judged
    at_once += [(2.0 + 0.1 * n, 30_000) for n in range(40)]
    empty: Shown = [(0.1 * n, 0) for n in range(20)]
    for name, shown, status in (("trucks", trucks(5, 5), 0), ("1", at_once, 1), ("0", empty, 1)):
        path = tmp_path / f"{name}.tape"
        tape = tape_of(shown)
        clock = ManualClock(mono_s=0.0)
        with TapeWriter(path, tape.head, clock) as writer:
            for piece in sorted(tape.pieces, key=lambda piece: piece.at_s):
                clock.advance(piece.at_s - clock.now().mono_s)
                writer.note(piece.direction, piece.payload)
        assert len(read_tape(path).pieces) == len(tape.pieces)
        assert main(["swings", str(path), "--config", str(lane)]) == status
    out = capsys.readouterr().out
    assert "1 loads settled, 0 with an interval before; 0 of 0 intervals wrong" in out
    assert out.splitlines()[-2].startswith("0 loads settled")
    assert out.count("NOT PROVED: no interval was named") == 2
