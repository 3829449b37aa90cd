"""What a fault of the library is. The library itself is `table.py`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from devices.errors import DeviceError

if TYPE_CHECKING:
    from devices.sim.bench import Bench
    from devices.sim.faults.turns import Switch, WhyNot

Device = Literal[
    "bus",
    "weighbridge",
    "card_reader",
    "camera",
    "barrier",
    "tag_reader",
    "plate_camera",
    "container_camera",
    "lane_camera",
    "sign",
]

PULL = "pull the plug of the data cable; put it back to end the fault"
PULL_HERE = (
    "pull the data cable at this computer, its USB plug or the network plug of its serial server;"
    " put it back to end the fault"
)
"""Of a device that is not asked for anything: its own end of the cable is silent either way."""


class Allows(StrEnum):
    """What a lane may do with a vehicle that it takes in while the fault lasts."""

    NOTHING = "nothing"  # it must not release it by itself
    EITHER = "either"  # that depends on what it had read before, or on what was declared
    RELEASE = "release"  # the fault is harmless: it must release a good one


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a bench cannot have a fault, in both languages."""

    en: str
    zh: str


class FaultError(DeviceError):
    """No such fault, or this bench cannot have it; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `turn(bench, on)` switches it; `why_not` says why a bench cannot have it.

    `code` is the lasting condition that a lane must report while it lasts (a code of the lane's
    own catalogue, as text), None where the lane cannot know. `allows` is what it may decide about
    a vehicle meanwhile. `by_hand` is how a person makes the same fault on a real device; "" where
    nobody should or can. `lasts_s` is how long it must last to be this fault. `under_load`: it is
    one only where a vehicle's weight rests on the scale when it comes. `why_not_by_hand` says why
    the real device of a lane cannot have it although `by_hand` tells how it is made: its driver
    would never hear of it.
    """

    name: str
    device: Device
    en: str
    zh: str
    turn: Switch
    code: str | None = None
    allows: Allows = Allows.NOTHING
    by_hand: str = ""
    why_not: WhyNot = lambda _bench: None
    why_not_by_hand: WhyNot = lambda _bench: None
    lasts_s: float = 0.0
    under_load: bool = False

    def refusal(self, bench: Bench) -> Refusal | None:
        """Why `bench` cannot have this fault; None when it can."""
        served = "bus" if self.device == "barrier" else self.device
        if served not in bench.simulated:
            return Refusal(f"{self.name}: the {served} is not simulated", f"{self.zh}: 设备非仿真")
        return self.why_not(bench)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultsOf:
    """Makes the faults of one device, whose names begin alike."""

    device: Device
    prefix: str
    why_not: WhyNot = lambda _bench: None

    def __call__(
        self,
        name: str,
        turn: Switch,
        code: str | None,
        allows: Allows,
        en: str,
        zh: str,
        *,
        by_hand: str = "",
        why_not: WhyNot | None = None,
        why_not_by_hand: WhyNot = lambda _bench: None,
        lasts_s: float = 0.0,
        under_load: bool = False,
    ) -> Fault:
        """One of them."""
        return Fault(
            name=f"{self.prefix}_{name}",
            device=self.device,
            en=en,
            zh=zh,
            turn=turn,
            code=code,
            allows=allows,
            by_hand=by_hand,
            why_not=why_not or self.why_not,
            why_not_by_hand=why_not_by_hand,
            lasts_s=lasts_s,
            under_load=under_load,
        )
