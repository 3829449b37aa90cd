"""What devices report. Frozen values, no I/O. A link that is down produces no reading at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class WeightStatus(StrEnum):
    """What the indicator says about the value beside it."""

    OK = "ok"
    OVERLOAD = "overload"
    UNDERLOAD = "underload"
    NOT_ZEROED = "not_zeroed"
    NOT_KG = "not_kg"  # pounds, or a fraction of a kilogram: the indicator shows another unit
    NET = "net"  # the indicator shows net weight or tare: never usable at a gate
    DIVISION = "division"  # the display's step is not the lane file's: one of them is set wrong
    ERROR = "error"  # the indicator itself reports that it cannot weigh


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighbridgeReading:
    """One value of the indicator's stream.

    `gross_kg` may be negative. Where `status` is not OK it is only what the display showed: net,
    rounded, or 0 when the frame carried no number. `motion` is None when the protocol has no
    motion bit, or the frame does not say. `received_s` is monotonic seconds, taken when the last
    byte of the frame arrived.
    """

    gross_kg: int
    status: WeightStatus
    motion: bool | None
    received_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReading:
    """One presentation of a card. `uid` is upper-case hex, most significant byte first.

    An identifier, never a proof: a UID can be cloned. `fields` are those of a customs card that
    the lane file names, with what stands in them; () where the reader reads none.
    """

    uid: str
    received_s: float
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TagReading:
    """One tag near the lane: its EPC in upper-case hex. It says that it is near, not whose it is.

    `received_s` is monotonic seconds, the moment at which the reader was asked.
    """

    tag_id: str
    received_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneInputs:
    """The switches of the lane at one poll. True: loop occupied, beam cut, limit made.

    `received_s` is monotonic seconds. There is no "last known" value: when the board does not
    answer, the driver raises instead of returning one of these.
    """

    entry_loop: bool
    front_beam: bool
    rear_beam: bool
    exit_loop: bool
    barrier_up: bool
    barrier_down: bool
    barrier_fault: bool
    emergency_stop: bool
    received_s: float
    manual_switch: bool = False  # somebody works the barrier from its cabinet


class BarrierPosition(StrEnum):
    """Where the boom is, from the limit switches and the time since the last command."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    STOPPED_MID = "stopped_mid"
    FORCED = "forced"  # moved without a command
    FAULT = "fault"  # both limits made, neither made for too long, or the fault input
    UNKNOWN = "unknown"  # not read: never treat as closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One camera picture: `image` is BGR uint8, shape (height, width, 3).

    `received_s` is monotonic seconds at arrival in this process; `number` counts up from 1
    and never repeats within one camera driver.
    """

    image: npt.NDArray[np.uint8] = field(repr=False)
    number: int
    received_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegFrame:
    """One camera picture as a JPEG, as the camera sent it where it sends JPEGs. As `Frame` else."""

    jpeg: bytes = field(repr=False)
    number: int
    received_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What a camera that reads plates itself says of one vehicle.

    `text` is "" where it found no plate. `confidence_permille` is 0..1000 by the camera's own
    measure, 0 where it gave none. The pictures are JPEGs as sent, None where there was none.
    """

    text: str
    confidence_permille: int
    picture: bytes | None = field(default=None, repr=False)
    plate_picture: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizedPlate:
    """A recognition and the monotonic second at which its last byte had come.

    The camera's own clock is not believed.
    """

    recognition: Recognition
    received_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerReading:
    """The container numbers that a camera posted together, as it wrote them: nothing is checked.

    `received_s` is monotonic seconds, when the last byte of the post had come: the camera's own
    clock is not believed.
    """

    numbers: tuple[str, ...]
    received_s: float


class Lamp(StrEnum):
    """The lamps and sounders a lane has."""

    EXIT_RED = "exit_red"
    EXIT_GREEN = "exit_green"
    ENTRY_GREEN = "entry_green"  # off means red: the entry lamp falls back to stop
    SOUNDER = "sounder"
    STROBE = "strobe"  # yellow, flashes by itself; a lane may be without


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStates:
    """The board's relays as it reports them at `read_s` (monotonic seconds)."""

    lamps: frozenset[Lamp]  # those lit
    raise_closed: bool
    lower_closed: bool
    stop_closed: bool
    read_s: float
