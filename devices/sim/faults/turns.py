"""How faults are switched on and off in a running bench: cables, the scale, the readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from devices.sim.card_reader import CardFault
from devices.sim.faults.line import LineFault
from devices.sim.faults.wording import said
from devices.sim.tag_reader import TagFault
from devices.sim.weighbridge import ScaleFault, misses_garbled
from devices.tag_reader.codecs.uhf_reader18 import BROADCAST
from devices.weighbridge.protocols import protocol_named

Cable = Literal[
    "scale",
    "card_reader",
    "tag_reader",
    "board",
    "camera",
    "lane_camera",
    "plate_camera",
    "container_camera",
    "sign",
]

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from devices.sim.bench import Bench
    from devices.texts import Said

    Switch = Callable[[Bench, bool], None]
    WhyNot = Callable[[Bench], Said | None]

    class Plug(Protocol):
        """An end that can be pulled."""

        def plug(self) -> None:
            """Put it in."""

        def unplug(self) -> None:
            """Pull it."""


EARLIER_CARD = "0BADC0DE"
EARLIER_PERSON = "11010519491231002X"  # of a reader of identity cards
"""The card of somebody else: of the driver before, or of whoever walks past the reader."""


def set_part(
    part: Callable[[Bench], object | None], field: str, broken: object, sound: object
) -> Switch:
    """Set a field of a part of the bench; where it has no such part, nothing."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        target = part(bench)
        if target is not None:
            setattr(target, field, broken if on else sound)

    return turn


def cable_turn(device: Cable) -> Switch:
    """Pull a cable."""

    def turn(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
        ends: dict[str, Plug | None] = {
            "scale": bench.scale.host,
            "card_reader": bench.card_reader.host,
            "tag_reader": bench.tag_reader.host if bench.tag_reader is not None else None,
            "board": bench.board,
            "camera": bench.camera,
            "lane_camera": bench.lane_camera,
            "plate_camera": bench.plate_camera,
            "container_camera": bench.container_camera,
            "sign": bench.sign,
        }
        end = ends[device]
        if end is not None:
            end.unplug() if on else end.plug()

    return turn


# --- the scale, and what stands on it -------------------------------------------------------------


def scale_turn(fault: ScaleFault) -> Switch:
    """An indicator that is not well."""
    return set_part(lambda bench: bench.scale, "fault", fault, ScaleFault.NONE)


def garbled_is_heard(bench: Bench) -> Said | None:
    """Why garbled frames of an indicator are not simply lost."""
    driver = bench.config.weighbridge.driver
    if not misses_garbled(protocol_named(driver)):
        return None
    return said("why_not.no_checksum", driver=driver)


def garbled_is_missed(bench: Bench) -> Said | None:
    """Why no garbled frame of an indicator can pass."""
    driver = bench.config.weighbridge.driver
    if misses_garbled(protocol_named(driver)):
        return None
    return said("why_not.has_checksum", driver=driver)


def scale_line_turn(fault: LineFault) -> Switch:
    """A line to the scale that is set or wired wrongly."""
    return set_part(lambda bench: bench.scale_line, "fault", fault, LineFault.NONE)


def cannot_be_felt(fault: LineFault) -> WhyNot:
    """Why a wrong line to the scale makes no difference."""

    def why_not(bench: Bench) -> Said | None:
        driver = bench.config.weighbridge.driver
        if fault is LineFault.PARITY and driver.startswith("toledo"):
            return said("why_not.takes_parity", driver=driver)
        if fault is LineFault.DEAF and protocol_named(driver).poll is None:
            return said("why_not.not_asked", driver=driver)
        return None

    return why_not


def world_turn(field: Literal["stops_short", "is_followed", "obstacle_under_boom"]) -> Switch:
    """Something happens in the lane: a switch of `LaneWorld`."""
    return set_part(lambda bench: bench.world, field, broken=True, sound=False)


def no_beams(bench: Bench) -> Said | None:
    """Why no simulated vehicle can stand beside the platform."""
    if "bus" in bench.simulated:
        return None
    return said("why_not.real_lane")


# --- the readers ----------------------------------------------------------------------------------


def card_turn(fault: CardFault) -> Switch:
    """A presentation that goes wrong."""
    return set_part(lambda bench: bench.card_reader, "fault", fault, CardFault.NONE)


def card_line_turn(fault: LineFault) -> Switch:
    """A line to the card reader that is set or wired wrongly."""
    return set_part(lambda bench: bench.card_line, "fault", fault, LineFault.NONE)


def lay_card_beside(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Hold somebody else's card to the reader together with whichever is presented."""
    bench.card_reader.beside = EARLIER_CARD if on else None


def earlier_card(driver: str) -> str:
    """The card of somebody else, as a reader of this kind reads it."""
    return EARLIER_PERSON if driver == "resident-id" else EARLIER_CARD


def no_osdp(bench: Bench) -> Said | None:
    """Why a reader has no packets of OSDP."""
    driver = bench.config.card_reader.driver
    if driver == "osdp":
        return None
    return said("why_not.no_osdp", driver=driver)


def no_bytes(bench: Bench) -> Said | None:
    """Why the bytes of a card's number cannot come the other way round."""
    config = bench.config.card_reader
    is_text = config.driver in ("qr-line", "resident-id") and config.number_format in (None, "text")
    if is_text or config.number_format == "text":
        return said("why_not.sends_text", driver=config.driver)
    return None


def no_line(bench: Bench) -> Said | None:
    """Why nothing is wrong with the line to a reader: it has none of ours."""
    if bench.config.card_reader.driver == "pcsc":
        return said("why_not.no_line")
    return None


def noise_counts(bench: Bench) -> Said | None:
    """Why noise before a card's number belongs to it: a line begins with no byte of its own."""
    driver = bench.config.card_reader.driver
    if driver in ("qr-line", "acg-ascii"):
        return said("why_not.noise_counts", driver=driver)
    return no_line(bench)


def one_card(bench: Bench) -> Said | None:
    """Why a reader never reads two cards."""
    driver = bench.config.card_reader.driver
    if driver == "resident-id":
        return said("why_not.one_card", driver=driver)
    return None


def present_earlier_card(bench: Bench, on: bool) -> None:  # noqa: FBT001 - a switch
    """Hold the card of somebody else to the reader."""
    if on:
        bench.card_reader.present(earlier_card(bench.config.card_reader.driver))


def tag_turn(fault: TagFault) -> Switch:
    """A tag reader that is not well, or what its antenna sees."""
    return set_part(lambda bench: bench.tag_reader, "fault", fault, TagFault.NONE)


def no_tag_reader(bench: Bench) -> Said | None:
    """Why a lane's tag reader cannot have a fault."""
    if bench.tag_reader is not None:
        return None
    return said("why_not.no_tag_reader")


def hears_any(bench: Bench) -> Said | None:
    """Why another number is not noticed."""
    tags = bench.config.tag_reader
    if tags is not None and tags.address == BROADCAST:
        return said("why_not.hears_any", address=BROADCAST)
    return no_tag_reader(bench)
