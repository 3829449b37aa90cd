"""The faults of what is on a byte line: the scale and what stands on it, card and tag reader."""

from __future__ import annotations

from devices.sim.card_reader import CardFault
from devices.sim.faults.fault import Allows, Fault, FaultsOf
from devices.sim.faults.line import LineFault
from devices.sim.faults.turns import (
    cable_turn,
    cannot_be_felt,
    card_line_turn,
    card_turn,
    garbled_is_heard,
    garbled_is_missed,
    hears_any,
    lay_card_beside,
    no_beams,
    no_bytes,
    no_line,
    no_osdp,
    no_tag_reader,
    noise_counts,
    one_card,
    present_earlier_card,
    scale_line_turn,
    scale_turn,
    tag_turn,
    world_turn,
)
from devices.sim.faults.unheard import cannot_say, plug_of_reader_unfelt
from devices.sim.tag_reader import TagFault
from devices.sim.weighbridge import RESTART_S, ScaleFault

NOTHING, EITHER, RELEASE = Allows.NOTHING, Allows.EITHER, Allows.RELEASE

_scale = FaultsOf(device="weighbridge", prefix="scale")
_card = FaultsOf(device="card_reader", prefix="card")
_tag = FaultsOf(device="tag_reader", prefix="tag", why_not=no_tag_reader)


def _indicator(
    name: str,
    fault: ScaleFault,
    code: str | None,
    allows: Allows,
    *,
    by_hand: bool = False,
) -> Fault:
    turn, why_not = scale_turn(fault), cannot_say(fault)
    return _scale(
        name,
        turn,
        code,
        allows,
        by_hand=by_hand,
        why_not=why_not,
        why_not_by_hand=why_not,  # what no frame says the driver of a real one does not hear either
    )


def _scale_line(fault: LineFault) -> Fault:
    turn, why_not = scale_line_turn(fault), cannot_be_felt(fault)
    return _scale(f"line_{fault.value}", turn, "scale_link", NOTHING, why_not=why_not)


SCALE_FAULTS = (
    _scale("unplugged", cable_turn("scale"), "scale_link", NOTHING, by_hand=True),
    _indicator("silent", ScaleFault.SILENCE, "scale_link", NOTHING, by_hand=True),
    _scale(
        "garbled", scale_turn(ScaleFault.GARBLE), "scale_link", NOTHING, why_not=garbled_is_heard
    ),
    _scale(
        "garbled_unsummed", scale_turn(ScaleFault.GARBLE), None, NOTHING, why_not=garbled_is_missed
    ),
    _indicator("cut", ScaleFault.CUT, "scale_link", NOTHING),
    _indicator("noise", ScaleFault.NOISE, None, RELEASE),
    _indicator("frozen", ScaleFault.FREEZE, None, NOTHING),
    _indicator("overload", ScaleFault.OVERLOAD, "scale_value", NOTHING),
    _indicator("negative", ScaleFault.NEGATIVE, "scale_value", NOTHING),
    _indicator("net", ScaleFault.NET, "scale_value", NOTHING, by_hand=True),
    _indicator("not_zeroed", ScaleFault.NOT_ZEROED, "scale_value", NOTHING),
    # No condition of the lane's: what it shows is a good weight by its frames. By hand a real one
    # may say net, or come up without a zero: those are the two above.
    _scale("tared", scale_turn(ScaleFault.TARED), None, NOTHING, under_load=True),
    _scale(
        "restarted",
        scale_turn(ScaleFault.RESTARTED),
        None,
        NOTHING,
        under_load=True,
        lasts_s=2 * RESTART_S,
    ),
    _indicator("unit", ScaleFault.UNIT, "scale_value", NOTHING, by_hand=True),
    _indicator("motion", ScaleFault.MOTION, None, NOTHING),
    _indicator("late", ScaleFault.LATE, "scale_link", NOTHING),
    _indicator("other_sum", ScaleFault.OTHER_SUM, None, RELEASE),
    _scale("line_chopped", scale_line_turn(LineFault.CHOPPED), None, RELEASE),
    _scale_line(LineFault.SLOWER),
    _scale_line(LineFault.FASTER),
    _scale_line(LineFault.PARITY),
    _scale_line(LineFault.SWAPPED),
    _scale_line(LineFault.DEAF),
    _scale("axle_off", world_turn("stops_short"), None, NOTHING, by_hand=True, why_not=no_beams),
    _scale(
        "second_vehicle", world_turn("is_followed"), None, NOTHING, by_hand=True, why_not=no_beams
    ),
)

CARD_FAULTS = (
    _card(
        "unplugged",
        cable_turn("card_reader"),
        "card_link",
        NOTHING,
        by_hand=True,
        why_not=no_line,
        why_not_by_hand=plug_of_reader_unfelt,
    ),
    _card("silent", card_turn(CardFault.SILENCE), None, NOTHING, by_hand=True),
    _card("half", card_turn(CardFault.HALF_FRAME), None, NOTHING),
    _card("garbled", card_turn(CardFault.GARBAGE), None, NOTHING),
    _card("late", card_turn(CardFault.LATE), None, EITHER),
    _card("noise", card_turn(CardFault.NOISE), None, RELEASE, why_not=noise_counts),
    _card("double_read", card_turn(CardFault.DOUBLE_READ), None, RELEASE, by_hand=True),
    _card("reversed", card_turn(CardFault.REVERSED), None, NOTHING, why_not=no_bytes),
    _card("two_at_once", lay_card_beside, None, EITHER, by_hand=True, why_not=one_card),
    _card("line_slower", card_line_turn(LineFault.SLOWER), None, NOTHING, why_not=no_line),
    _card("line_swapped", card_line_turn(LineFault.SWAPPED), None, NOTHING, why_not=no_line),
    _card("line_chopped", card_line_turn(LineFault.CHOPPED), None, RELEASE, why_not=no_line),
    _card("osdp_nak", card_turn(CardFault.NAK), "card_link", NOTHING, why_not=no_osdp),
    _card("osdp_busy", card_turn(CardFault.BUSY), "card_link", NOTHING, why_not=no_osdp),
    _card("osdp_crc", card_turn(CardFault.WRONG_SUM), "card_link", NOTHING, why_not=no_osdp),
    _card(
        "osdp_offline",
        card_turn(CardFault.SILENCE),
        "card_link",
        NOTHING,
        why_not=no_osdp,
        lasts_s=9.0,
    ),
    _card("of_another", present_earlier_card, None, EITHER, by_hand=True),
)

# A reader that stops answering is lost only after a while, and a tag may not be needed: until then
# a lane may release on what else it has. A tag that is missing or beside others says nothing by
# itself; where one was declared and only another is seen, a person decides.
TAG_FAULTS = (
    _tag("unplugged", cable_turn("tag_reader"), "tag_link", NOTHING, by_hand=True),
    _tag("silent", tag_turn(TagFault.SILENCE), "tag_link", EITHER, by_hand=True),
    _tag("garbled", tag_turn(TagFault.GARBLE), "tag_link", EITHER),
    _tag("half", tag_turn(TagFault.CUT), "tag_link", EITHER),
    _tag("late", tag_turn(TagFault.LATE), "tag_link", EITHER),
    _tag("wrong_address", tag_turn(TagFault.WRONG_ADDRESS), "tag_link", EITHER, why_not=hears_any),
    _tag("noise", tag_turn(TagFault.NOISE), None, RELEASE),
    _tag("missing", tag_turn(TagFault.BLIND), None, RELEASE, by_hand=True),
    _tag("two", tag_turn(TagFault.TWO_TAGS), None, RELEASE, by_hand=True),
    _tag("of_next_lane", tag_turn(TagFault.NEXT_LANE), None, EITHER, by_hand=True),
)
