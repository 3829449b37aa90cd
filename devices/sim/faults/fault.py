"""What a fault of the library is. The library itself is `table.py`, its texts are in `texts/`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from devices.errors import DeviceError
from devices.sim.faults.wording import said
from devices.texts import Said

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


class Allows(StrEnum):
    """What a lane may do with a vehicle that it takes in while the fault lasts."""

    NOTHING = "nothing"  # it must not release it by itself
    EITHER = "either"  # that depends on what it had read before, or on what was declared
    RELEASE = "release"  # the fault is harmless: it must release a good one


class FaultError(DeviceError):
    """No such fault, or this bench cannot have it; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `turn(bench, on)` switches it; `why_not` says why a bench cannot have it.

    `code` is the lasting condition that a lane must report while it lasts (a code of the lane's
    own catalogue, as text), None where the lane cannot know. `allows` is what it may decide about
    a vehicle meanwhile. `by_hand`: a person may make the same fault on a real device; not where
    nobody should or can. `lasts_s` is how long it must last to be this fault. `under_load`: it is
    one only where a vehicle's weight rests on the scale when it comes. `why_not_by_hand` says why
    the real device of a lane cannot have it although `by_hand` tells how it is made: its driver
    would never hear of it.
    """

    name: str
    device: Device
    turn: Switch
    code: str | None = None
    allows: Allows = Allows.NOTHING
    by_hand: bool = False
    why_not: WhyNot = lambda _bench: None
    why_not_by_hand: WhyNot = lambda _bench: None
    lasts_s: float = 0.0
    under_load: bool = False

    @property
    def what(self) -> Said:
        """What is wrong, in a few words."""
        return said(f"what.{self.name}")

    @property
    def making(self) -> Said:
        """How a person makes it on a real device and ends it. Only of one that is `by_hand`.

        Raises:
            CatalogueError: nobody makes it by hand.
        """
        return said(f"by_hand.{self.name}")

    def refusal(self, bench: Bench) -> Said | None:
        """Why `bench` cannot have this fault; None when it can."""
        served = "bus" if self.device == "barrier" else self.device
        if served not in bench.simulated:
            fault = Said(zh=self.what.zh, en=self.name)
            return said("why_not.not_simulated", fault=fault, device=served)
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
        *,
        by_hand: bool = False,
        why_not: WhyNot | None = None,
        why_not_by_hand: WhyNot = lambda _bench: None,
        lasts_s: float = 0.0,
        under_load: bool = False,
    ) -> Fault:
        """One of them."""
        return Fault(
            name=f"{self.prefix}_{name}",
            device=self.device,
            turn=turn,
            code=code,
            allows=allows,
            by_hand=by_hand,
            why_not=why_not or self.why_not,
            why_not_by_hand=why_not_by_hand,
            lasts_s=lasts_s,
            under_load=under_load,
        )
