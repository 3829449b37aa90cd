"""A simulated indicator: the driver's codec in the other direction, on a serial line or TCP."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from devices.readings import WeightStatus
from devices.sim.line_server import LineServer
from devices.weighbridge.codecs.yaohua import MAX_DIGITS, PROTOCOL
from devices.weighbridge.indication import IndicatorFrame, Kind, Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.sim.line_host import LineHost
    from devices.weighbridge.indication import Heard, IndicatorProtocol, Poll

MOTION_S = 0.3  # the display has moved by more than a division within this time
LATE_S = 0.45  # later than any driver waits
RESTART_S = 1.5  # from the supply back to the first value; longer than a reading stays fresh
NINE = ord("9")
SUM_FROM_END = 3  # where the two characters of a sum begin, in Yaohua's frames


class ScaleFault(StrEnum):
    """What can be wrong with the indicator. One at a time, settable while it runs."""

    NONE = "none"
    GARBLE = "garble"  # one bit of every frame flipped: no frame passes a checksum
    CUT = "cut"  # every frame ends early
    NOISE = "noise"  # random bytes before every good frame
    FREEZE = "freeze"  # the last value again and again, whatever stands on the platform
    SILENCE = "silence"  # powered off, cable in place
    OVERLOAD = "overload"  # over capacity: the indicator says so, or shows `overload_kg` more
    NEGATIVE = "negative"  # the value lies below zero, as with a lifted or broken load cell
    NET = "net"  # somebody pressed the tare key
    NOT_ZEROED = "not_zeroed"  # came up from a power cut with a load on the platform
    TARED = "tared"  # what stood on it when the fault came is its zero now, and no flag says so
    RESTARTED = "restarted"  # silent for `RESTART_S`, then the same
    MOTION = "motion"  # never says that it rests
    UNIT = "unit"  # somebody switched the display to pounds
    LATE = "late"  # every answer comes after the driver has stopped waiting for it
    OTHER_SUM = "other_sum"  # sums with 30h added to every nibble, as some models write them


class SimWeighbridge(LineServer):
    """Shows the weight on the platform, rounded to the division, in the words of `protocol`.

    Sends it `rate_hz` times a second, or when it is asked, as the protocol has it. `weight_kg` is
    called from this object's thread.
    """

    def __init__(
        self,
        host: LineHost,
        weight_kg: Callable[[], float],
        clock: Clock,
        *,
        protocol: IndicatorProtocol = PROTOCOL,
        division_kg: int = 20,
        rate_hz: float = 25.0,
        overload_kg: int = 200_000,
        seed: int = 0,
    ) -> None:
        super().__init__(host, "sim-weighbridge")
        self._weight_kg = weight_kg
        self._clock = clock
        self._protocol = protocol
        self._division_kg = division_kg
        self._period_s = 1.0 / rate_hz
        self._overload_kg = overload_kg
        self._random = random.Random(seed)
        self._shown: deque[tuple[float, int]] = deque(maxlen=256)
        self._frozen = protocol.rest
        self._fault = ScaleFault.NONE
        self._zero_kg: float | None = None  # where a key or the supply's return has set it
        self._up_at_s = 0.0  # when it shows again what it weighs
        self.sent_frames = 0

    @property
    def shown_kg(self) -> int:
        """The value last sent."""
        return self._shown[-1][1] if self._shown else 0

    @property
    def fault(self) -> ScaleFault:
        """What is wrong with the indicator.

        Raises ValueError when it is set to what frames of the protocol cannot say.
        """
        return self._fault

    @fault.setter
    def fault(self, fault: ScaleFault) -> None:
        if not self.can_have(fault):
            raise ValueError(f"{self._protocol.name}: its frames cannot say {fault.value}")
        pause_s = RESTART_S if fault is ScaleFault.RESTARTED else 0.0
        self._up_at_s = self._clock.now().mono_s + pause_s
        self._zero_kg = None
        self._fault = fault

    def can_have(self, fault: ScaleFault) -> bool:
        """Whether this indicator has frames that say `fault`, or needs none to have it."""
        return can_have(self._protocol, fault)

    # --- by itself, or asked ----------------------------------------------------------------------

    def _serve(self) -> None:
        poll = self._protocol.poll
        if poll is None:
            self._send_on()
        else:
            self._answer_on(poll)

    def _send_on(self) -> None:
        next_s = self._clock.now().mono_s
        while not self._stopping.is_set():
            self._send(self._weight_frame())
            # A line slower than the rate sends without pause and does not fall behind.
            next_s = max(next_s + self._period_s, self._clock.now().mono_s)
            self._stopping.wait(next_s - self._clock.now().mono_s)

    def _answer_on(self, poll: Poll) -> None:
        for request in self._asked((poll.ask, poll.check)):
            if self._fault is ScaleFault.LATE:
                self._stopping.wait(LATE_S)
            self._send(self._weight_frame() if request == poll.ask else self._reply(poll))

    def _reply(self, poll: Poll) -> Heard:
        reply = poll.reply
        if self._fault is ScaleFault.NET and isinstance(reply, IndicatorFrame):
            return replace(reply, digits=10 * self._division_kg)
        return reply

    def _send(self, frame: Heard) -> None:
        if self._fault is ScaleFault.SILENCE or self._is_coming_up():
            return
        self._host.write(self._damaged(self._protocol.encode(frame)))
        self.sent_frames += 1

    def _is_coming_up(self) -> bool:
        return self._fault is ScaleFault.RESTARTED and self._clock.now().mono_s < self._up_at_s

    def _damaged(self, packet: bytes) -> bytes:
        damaged = bytearray(packet)
        match self._fault:
            case ScaleFault.GARBLE:
                # Not the eighth: where that is a parity bit, a frame without it is as good as new.
                damaged[self._random.randrange(len(damaged))] ^= 1 << self._random.randrange(7)
            case ScaleFault.CUT:
                del damaged[self._random.randrange(1, len(damaged)) :]
            case ScaleFault.OTHER_SUM:
                places = slice(-SUM_FROM_END, -1)
                damaged[places] = bytes(
                    byte - 7 if byte > 0x39 else byte for byte in damaged[places]
                )
            case ScaleFault.NOISE:
                damaged[:0] = self._random.randbytes(self._random.randrange(1, 12))
            case _:
                pass
        return bytes(damaged)

    # --- what is shown ----------------------------------------------------------------------------

    def _weight_frame(self) -> IndicatorFrame:
        fault = self._fault
        if fault is not ScaleFault.FREEZE:
            shown_kg = self._display_kg(self._weight_kg(), fault)
            self._shown.append((self._clock.now().mono_s, shown_kg))
            self._frozen = self._frame_of(shown_kg, fault)
        return self._frozen

    def _frame_of(self, shown_kg: int, fault: ScaleFault) -> IndicatorFrame:
        protocol = self._protocol
        status = _declared(fault)
        if status in protocol.blank:
            return IndicatorFrame(digits=None, status=status)
        frame = protocol.rest
        if frame.motion is not None and (self._moves() or fault is ScaleFault.MOTION):
            frame = protocol.moving or replace(frame, motion=True)
        if fault is ScaleFault.UNIT:
            frame = replace(frame, unit=Unit.LB)
        if fault is ScaleFault.NET and frame.kind is not None:
            frame = replace(frame, kind=Kind.NET)
        if frame.step is not None:
            frame = replace(frame, step=int(f"{self._division_kg}".rstrip("0")))
        return replace(
            frame,
            digits=shown_kg,
            status=status if status in protocol.flags else WeightStatus.OK,
        )

    def _moves(self) -> bool:
        now_s = self._shown[-1][0]
        lately_kg = [kg for at_s, kg in self._shown if now_s - at_s <= MOTION_S]
        return max(lately_kg) - min(lately_kg) > self._division_kg

    def _display_kg(self, weight_kg: float, fault: ScaleFault) -> int:
        match fault:
            case ScaleFault.OVERLOAD:
                weight_kg += self._overload_kg
            case ScaleFault.NEGATIVE:
                weight_kg = -abs(weight_kg) - 10 * self._division_kg
            case ScaleFault.TARED | ScaleFault.RESTARTED if not self._is_coming_up():
                if self._zero_kg is None:
                    self._zero_kg = weight_kg
                weight_kg -= self._zero_kg
            case _:
                pass
        rounded_kg = round(weight_kg / self._division_kg) * self._division_kg
        return max(-MAX_DIGITS, min(MAX_DIGITS, rounded_kg))


def _declared(fault: ScaleFault) -> WeightStatus:
    """What an indicator that has a flag for `fault` sets it to."""
    return {
        ScaleFault.OVERLOAD: WeightStatus.OVERLOAD,
        ScaleFault.NEGATIVE: WeightStatus.UNDERLOAD,
        ScaleFault.NOT_ZEROED: WeightStatus.NOT_ZEROED,
    }.get(fault, WeightStatus.OK)


def can_have(protocol: IndicatorProtocol, fault: ScaleFault) -> bool:
    """Whether an indicator of this protocol has frames that say `fault`, or needs none for it."""
    match fault:
        case ScaleFault.NET:
            asked_for_tare = protocol.poll is not None and protocol.poll.after_each
            # In command mode gross is asked for, and the tare key changes nothing.
            return asked_for_tare or (protocol.poll is None and protocol.rest.kind is not None)
        case ScaleFault.NOT_ZEROED:
            return WeightStatus.NOT_ZEROED in protocol.flags
        case ScaleFault.MOTION:
            return protocol.rest.motion is not None
        case ScaleFault.LATE:
            return protocol.poll is not None
        case ScaleFault.UNIT:
            return _can_say_pounds(protocol)
        case ScaleFault.OTHER_SUM:
            return protocol.name in ("yaohua-continuous", "yaohua-command")
        case _:
            return True


def misses_garbled(protocol: IndicatorProtocol) -> bool:
    """Whether a frame with a wrong bit may pass: no sum vouches for it.

    Of an indicator that is asked, too: most of its answers are lost then, and one that is not
    ends the silence for a moment.
    """
    return not protocol.has_sum


def _can_say_pounds(protocol: IndicatorProtocol) -> bool:
    try:
        protocol.encode(replace(protocol.rest, unit=Unit.LB))
    except ValueError:
        return False
    return protocol.rest.unit is not None
