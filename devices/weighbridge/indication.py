"""What an indicator's frame says, whatever its protocol; and when that is a gross weight in kg.

Pure. Every codec of `codecs/` turns bytes into `IndicatorFrame`s; `reading_of` alone decides what
of a frame may go on as kilograms. Nothing is rounded into a weight: a value is exact or refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from devices.readings import WeighbridgeReading, WeightStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.framing import FrameDecoder


class Unit(StrEnum):
    """The unit that a frame names."""

    KG = "kg"
    T = "t"
    G = "g"
    LB = "lb"
    OTHER = "other"  # ounces, counts and the like


class Kind(StrEnum):
    """Which of its values the display shows."""

    GROSS = "gross"
    NET = "net"
    TARE = "tare"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorFrame:
    """One frame as the display shows it: `digits` with `decimals` behind the point.

    `digits` is signed and None where the frame carries no number (an overload, an error). A
    negative `decimals` counts fixed zeros before the point. `unit`, `kind` and `motion` are None
    where the frame does not say. `step` is the 1, 2 or 5 by which the last digit counts, None
    where the frame does not say. `status` is what the indicator declares: never NET or NOT_KG,
    which follow from `kind` and `unit`.
    """

    digits: int | None
    decimals: int = 0
    unit: Unit | None = None
    kind: Kind | None = None
    motion: bool | None = None
    step: int | None = None
    status: WeightStatus = WeightStatus.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A good frame without a weight: a handshake, a line about the device, a refusal."""

    text: str


Heard = IndicatorFrame | Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How an indicator is asked that sends nothing by itself.

    `ask` requests the gross weight. `check` requests something whose answer cannot be taken for a
    weight; as indicators answer in order, all that comes before that answer belongs to requests
    made before it. `is_checked` knows that answer; `reply` is a healthy one, for the simulator.
    Where `after_each` is set the check follows every weight, and says whether a tare is set.
    """

    ask: bytes
    check: bytes
    is_checked: Callable[[Heard], bool]
    reply: Heard
    after_each: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorProtocol:
    """One protocol of indicators: everything that a driver and a simulator need of it.

    `rest` is a frame of an empty platform at rest in kilograms: what it leaves None, the protocol
    cannot say. `moving` is one of a platform in motion where that says less. With `has_sum` a
    checksum vouches for each frame. `flags` are the
    states that its frames can declare; with those in `blank` they carry no number. `poll` is None
    where the indicator sends by itself.
    """

    name: str
    make_decoder: Callable[[], FrameDecoder[Heard]]
    encode: Callable[[Heard], bytes]
    max_frame_bytes: int
    rest: IndicatorFrame
    moving: IndicatorFrame | None = None
    has_sum: bool = False
    flags: frozenset[WeightStatus] = field(default_factory=frozenset)
    blank: frozenset[WeightStatus] = field(default_factory=frozenset)
    poll: Poll | None = None


def reading_of(
    frame: IndicatorFrame,
    *,
    received_s: float,
    division_kg: int,
    unit: Literal["kg", "t"] = "kg",
    tared: bool = False,
) -> WeighbridgeReading:
    """The frame in whole kilograms, with the reason where it is not a gross weight.

    `unit` is what the display is set to where the frame does not say; `division_kg` the step that
    the lane file expects; `tared` that the indicator said beside the frame that a tare is set.
    """
    shown_kg, exact = _kilograms(frame, unit)
    status = _status(frame, shown_kg if exact else None, division_kg, tared=tared)
    return WeighbridgeReading(
        gross_kg=shown_kg, status=status, motion=frame.motion, received_s=received_s
    )


def _status(
    frame: IndicatorFrame, exact_kg: int | None, division_kg: int, *, tared: bool
) -> WeightStatus:
    if frame.status is not WeightStatus.OK:
        return frame.status
    if frame.digits is None:
        return WeightStatus.ERROR
    if tared or frame.kind in (Kind.NET, Kind.TARE):
        return WeightStatus.NET
    if exact_kg is None:
        return WeightStatus.NOT_KG
    if exact_kg % division_kg or not _is_step_of(frame.step, division_kg):
        return WeightStatus.DIVISION
    return WeightStatus.OK


def _is_step_of(step: int | None, division_kg: int) -> bool:
    """Whether a division of 1, 2 or 5 times a power of ten can belong to `step`."""
    return step is None or f"{division_kg}".rstrip("0") == f"{step}"


def _kilograms(frame: IndicatorFrame, unit: Literal["kg", "t"]) -> tuple[int, bool]:
    """What the display shows in kilograms, rounded, and whether that is exact.

    Pounds are never exact: a lane whose scale shows them has an indicator that is set wrong.
    """
    shown = frame.unit or Unit(unit)
    thousandths = {Unit.KG: 1_000, Unit.T: 1_000_000, Unit.G: 1}.get(shown)
    digits = frame.digits or 0
    numerator = digits * (thousandths or 1_000) * 10 ** max(0, -frame.decimals)
    denominator = 1_000 * 10 ** max(0, frame.decimals)
    exact = thousandths is not None and numerator % denominator == 0
    return round(numerator / denominator), exact


# --- numbers in text, as many protocols write them ------------------------------------------------

_NUMBER = re.compile(rb" *([+-]?) *([0-9]+)(?:\.([0-9]+))?")


def number(text: bytes) -> tuple[int, int] | None:
    """Digits and decimals of a right-aligned decimal number; None where `text` is not one."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction = match[1], match[2], match[3] or b""
    magnitude = int(whole + fraction)
    return (-magnitude if sign == b"-" else magnitude), len(fraction)


def number_text(digits: int, decimals: int) -> str:
    """`digits` with its point, without a sign: 2000 with 2 decimals is `20.00`."""
    text = f"{abs(digits):0{decimals + 1}d}"
    return f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text


def refuse(frame: Heard, protocol: str) -> ValueError:
    """The error of an encoder that is handed what its frames cannot carry."""
    return ValueError(f"{protocol} cannot show {frame}")
