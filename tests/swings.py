"""Simulated swings of a vehicle on a platform, wide of anything the simulated lane does.

One swing is what an indicator showed, a frame at a time, and the truth behind it. The family:
1.2 to 5 Hz, half a percent to four percent of 8 to 50 t, at rest within a division 1.5 to 3 s
after the stop (with up to a second of full swing before it), up to two more modes as strong as
the first, noise uniform or Gaussian up to half a division, divisions of 10, 20 and 50 kg, creep
up to a third of a division a second, 5 to 25 frames a second that come a tenth early or late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Disturbance = Callable[[np.random.Generator, Floats, float, int], tuple[Floats, Floats]]

LONGEST_S = 4.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """What was shown (kg, whole divisions) at `times_s`, and `loads_kg`, what was really there."""

    times_s: list[float]
    shown_kg: list[int]
    loads_kg: list[float]
    division_kg: int
    stop_s: float
    drawn: str  # what was drawn, to read when a test fails


def swings(seed: int, count: int, disturb: Disturbance) -> Iterator[Swing]:
    """`count` swings.

    `disturb(rng, times_s, weight_kg, division_kg)` is what happens besides, in kg over time: a
    load that is put on top, and a force that is no load.
    """
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _swing(rng, disturb)


def _swing(rng: np.random.Generator, disturb: Disturbance) -> Swing:
    division_kg = int(rng.choice([10, 20, 50]))
    weight_kg, rate_hz = rng.uniform(8_000, 50_000), rng.uniform(5, 25)
    swing_kg, hz = rng.uniform(0.005, 0.04) * weight_kg, rng.uniform(1.2, 5.0)
    settle_s, stop_s = rng.uniform(1.5, 3.0), rng.uniform(0.0, 1.0)
    frames = int(LONGEST_S * rate_hz)
    times_s = np.cumsum(rng.uniform(0.9, 1.1, frames)) / rate_hz
    decay = math.log(max(2.0, swing_kg / (0.3 * division_kg))) / settle_s
    felt_kg = weight_kg + _mode(rng, times_s - stop_s, swing_kg, hz, decay)
    modes = int(rng.integers(0, 3))
    for _ in range(modes):
        felt_kg = felt_kg + _mode(
            rng,
            times_s - stop_s,
            rng.uniform(0.0, 1.0) * swing_kg,
            rng.uniform(1.2, 6.0),
            decay * rng.uniform(0.7, 2.0),
        )
    noise = rng.uniform(0.0, 0.5)
    even, bell = rng.uniform(-noise, noise, frames), rng.normal(0, noise / 2, frames)
    felt_kg = felt_kg + division_kg * (even if rng.random() < 0.5 else bell)
    load_kg = weight_kg + rng.uniform(-0.3, 0.3) * division_kg * times_s
    more_kg, force_kg = disturb(rng, times_s, weight_kg, division_kg)
    load_kg = load_kg + more_kg
    shown_kg = np.rint((felt_kg - weight_kg + load_kg + force_kg) / division_kg) * division_kg
    return Swing(
        times_s=times_s.tolist(),
        shown_kg=shown_kg.astype(int).tolist(),
        loads_kg=load_kg.tolist(),
        division_kg=division_kg,
        stop_s=stop_s,
        drawn=f"{weight_kg:.0f} kg in {division_kg}, {rate_hz:.1f} frames/s, {swing_kg:.0f} kg at "
        f"{hz:.2f} Hz, {modes} more modes, settles in {settle_s:.2f} s",
    )


def _mode(
    rng: np.random.Generator, since_stop_s: Floats, swing_kg: float, hz: float, decay: float
) -> Floats:
    envelope = np.exp(-decay * np.maximum(since_stop_s, 0.0))
    phase = rng.uniform(0, 2 * np.pi)
    wave: Floats = swing_kg * envelope * np.sin(2 * np.pi * hz * since_stop_s + phase)
    return wave
