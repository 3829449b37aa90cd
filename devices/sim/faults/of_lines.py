"""The faults of what is on a byte line: the scale and what stands on it, card and tag reader."""

from __future__ import annotations

from devices.sim.card_reader import CardFault
from devices.sim.faults.fault import PULL, PULL_HERE, Allows, Fault, FaultsOf
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
    en: str,
    zh: str,
    by_hand: str = "",
) -> Fault:
    turn, why_not = scale_turn(fault), cannot_say(fault)
    return _scale(
        name,
        turn,
        code,
        allows,
        en,
        zh,
        by_hand=by_hand,
        why_not=why_not,
        why_not_by_hand=why_not,  # what no frame says the driver of a real one does not hear either
    )


def _scale_line(fault: LineFault, en: str, zh: str) -> Fault:
    turn, why_not = scale_line_turn(fault), cannot_be_felt(fault)
    return _scale(f"line_{fault.value}", turn, "scale_link", NOTHING, en, zh, why_not=why_not)


SCALE_FAULTS = (
    _scale("unplugged", cable_turn("scale"), "scale_link", NOTHING,
           "the scale's cable is pulled", "地磅数据线被拔出", by_hand=PULL),
    _indicator("silent", ScaleFault.SILENCE, "scale_link", NOTHING,
               "the indicator sends nothing", "仪表无数据", "switch the indicator off"),
    _scale("garbled", scale_turn(ScaleFault.GARBLE), "scale_link", NOTHING,
           "a bit of every frame is wrong: no checksum fits", "每帧有误码 校验不符",
           why_not=garbled_is_heard),
    _scale("garbled_unsummed", scale_turn(ScaleFault.GARBLE), None, NOTHING,
           "a bit of every frame is wrong, and frames have no checksum", "每帧有误码 且无校验",
           why_not=garbled_is_missed),
    _indicator("cut", ScaleFault.CUT, "scale_link", NOTHING,
               "every frame ends early", "每帧残缺"),
    _indicator("noise", ScaleFault.NOISE, None, RELEASE,
               "noise between good frames", "帧间有噪声"),
    _indicator("frozen", ScaleFault.FREEZE, None, NOTHING,
               "the indicator repeats one value for ever", "仪表数值冻结"),
    _indicator("overload", ScaleFault.OVERLOAD, "scale_value", NOTHING,
               "the scale is overloaded", "地磅超载"),
    _indicator("negative", ScaleFault.NEGATIVE, "scale_value", NOTHING,
               "the value lies below zero", "重量低于零点"),
    _indicator("net", ScaleFault.NET, "scale_value", NOTHING,
               "the indicator shows net weight", "仪表显示净重", "press the tare key"),
    _indicator("not_zeroed", ScaleFault.NOT_ZEROED, "scale_value", NOTHING,
               "the indicator came up without a zero", "仪表未回零"),
    # No condition of the lane's: what it shows is a good weight by its frames. By hand a real one
    # may say net, or come up without a zero: those are the two above.
    _scale("tared", scale_turn(ScaleFault.TARED), None, NOTHING,
           "somebody tares or zeroes the scale under a load, and no flag says so",
           "带载去皮或置零 且数据无标志", under_load=True),
    _scale("restarted", scale_turn(ScaleFault.RESTARTED), None, NOTHING,
           "the indicator restarts under a load and takes it for zero",
           "仪表带载重启 以当前重量为零点", under_load=True, lasts_s=2 * RESTART_S),
    _indicator("unit", ScaleFault.UNIT, "scale_value", NOTHING,
               "the display was switched to pounds", "仪表单位被切换",
               "switch the display to pounds"),
    _indicator("motion", ScaleFault.MOTION, None, NOTHING,
               "the indicator never says that it rests", "仪表始终显示不稳定"),
    _indicator("late", ScaleFault.LATE, "scale_link", NOTHING,
               "every answer comes too late", "仪表应答过迟"),
    _indicator("other_sum", ScaleFault.OTHER_SUM, None, RELEASE,
               "sums are written with 30h added to every nibble", "校验高低四位一律加 30h"),
    _scale("line_chopped", scale_line_turn(LineFault.CHOPPED), None, RELEASE,
           "frames come in pieces, the end of one with the next", "数据被拆分与粘连"),
    _scale_line(LineFault.SLOWER, "the indicator sends at half the baud rate", "仪表波特率减半"),
    _scale_line(LineFault.FASTER, "the indicator sends at twice the baud rate", "仪表波特率加倍"),
    _scale_line(LineFault.PARITY, "the indicator sends seven bits with parity", "仪表为七位偶校验"),
    _scale_line(LineFault.SWAPPED, "the two data wires are swapped", "数据线 A/B 接反"),
    _scale_line(LineFault.DEAF, "the wires towards the indicator are broken",
                "通往仪表的数据线断开"),
    _scale("axle_off", world_turn("stops_short"), None, NOTHING,
           "the truck stops with its last axle before the platform", "末轴未上磅",
           by_hand="have the driver stop with an axle before the platform", why_not=no_beams),
    _scale("second_vehicle", world_turn("is_followed"), None, NOTHING,
           "a second vehicle stands on the platform, too", "后车跟车上磅",
           by_hand="have a second vehicle drive up close behind", why_not=no_beams),
)  # fmt: skip

CARD_FAULTS = (
    _card("unplugged", cable_turn("card_reader"), "card_link", NOTHING,
          "the card reader's cable is pulled", "读卡器数据线被拔出", by_hand=PULL_HERE,
          why_not=no_line, why_not_by_hand=plug_of_reader_unfelt),
    _card("silent", card_turn(CardFault.SILENCE), None, NOTHING,
          "the card reader sends nothing", "读卡器无数据", by_hand="switch the card reader off"),
    _card("half", card_turn(CardFault.HALF_FRAME), None, NOTHING,
          "the card is pulled away: half a frame", "刷卡过快 数据残缺"),
    _card("garbled", card_turn(CardFault.GARBAGE), None, NOTHING,
          "random bytes instead of a card", "读卡数据乱码"),
    _card("late", card_turn(CardFault.LATE), None, EITHER,
          "the reader tells of a card late, or answers too late", "读卡数据过迟"),
    _card("noise", card_turn(CardFault.NOISE), None, RELEASE,
          "noise before a good frame", "读卡数据前有噪声", why_not=noise_counts),
    _card("double_read", card_turn(CardFault.DOUBLE_READ), None, RELEASE,
          "every card is read twice", "同一张卡重复读出",
          by_hand="hold the card to the reader twice"),
    _card("reversed", card_turn(CardFault.REVERSED), None, NOTHING,
          "the bytes of the card's number come the other way round", "卡号字节序颠倒",
          why_not=no_bytes),
    _card("two_at_once", lay_card_beside, None, EITHER,
          "another card lies beside the driver's", "两张卡同时在读卡器上",
          by_hand="hold two cards to the reader", why_not=one_card),
    _card("line_slower", card_line_turn(LineFault.SLOWER), None, NOTHING,
          "the card reader sends at half the baud rate", "读卡器波特率减半", why_not=no_line),
    _card("line_swapped", card_line_turn(LineFault.SWAPPED), None, NOTHING,
          "the reader's data wires are swapped", "读卡器数据线 A/B 接反", why_not=no_line),
    _card("line_chopped", card_line_turn(LineFault.CHOPPED), None, RELEASE,
          "the reader's bytes come in pieces cut anywhere", "读卡器数据被拆分", why_not=no_line),
    _card("osdp_nak", card_turn(CardFault.NAK), "card_link", NOTHING,
          "the OSDP reader answers every command with NAK", "OSDP 读卡器一律应答 NAK",
          why_not=no_osdp),
    _card("osdp_busy", card_turn(CardFault.BUSY), "card_link", NOTHING,
          "the OSDP reader answers every command with BUSY", "OSDP 读卡器一律应答 BUSY",
          why_not=no_osdp),
    _card("osdp_crc", card_turn(CardFault.WRONG_SUM), "card_link", NOTHING,
          "no CRC of the OSDP reader fits", "OSDP 读卡器 CRC 均不符", why_not=no_osdp),
    _card("osdp_offline", card_turn(CardFault.SILENCE), "card_link", NOTHING,
          "the OSDP reader is silent for longer than eight seconds", "OSDP 读卡器离线超过 8 秒",
          why_not=no_osdp, lasts_s=9.0),
    _card("of_another", present_earlier_card, None, EITHER,
          "the card of the previous driver is read", "读到上一位司机的卡",
          by_hand="hold another card"),
)  # fmt: skip

# A reader that stops answering is lost only after a while, and a tag may not be needed: until then
# a lane may release on what else it has. A tag that is missing or beside others says nothing by
# itself; where one was declared and only another is seen, a person decides.
TAG_FAULTS = (
    _tag("unplugged", cable_turn("tag_reader"), "tag_link", NOTHING,
         "the tag reader's cable is pulled", "标签读写器数据线被拔出", by_hand=PULL),
    _tag("silent", tag_turn(TagFault.SILENCE), "tag_link", EITHER,
         "the tag reader answers nothing", "标签读写器无应答", by_hand="switch the tag reader off"),
    _tag("garbled", tag_turn(TagFault.GARBLE), "tag_link", EITHER,
         "a bit of every answer is wrong: no checksum fits", "标签应答有误码 校验不符"),
    _tag("half", tag_turn(TagFault.CUT), "tag_link", EITHER,
         "every answer ends early", "标签应答残缺"),
    _tag("late", tag_turn(TagFault.LATE), "tag_link", EITHER,
         "every answer comes too late", "标签应答过迟"),
    _tag("wrong_address", tag_turn(TagFault.WRONG_ADDRESS), "tag_link", EITHER,
         "a reader with another number answers", "应答地址不符", why_not=hears_any),
    _tag("noise", tag_turn(TagFault.NOISE), None, RELEASE,
         "noise before every good answer", "标签应答前有噪声"),
    _tag("missing", tag_turn(TagFault.BLIND), None, RELEASE,
         "no tag is seen", "读不到标签", by_hand="cover the tag with metal"),
    _tag("two", tag_turn(TagFault.TWO_TAGS), None, RELEASE,
         "another vehicle's tag is seen, too", "同时读到两个标签",
         by_hand="hold a second tag to the antenna"),
    _tag("of_next_lane", tag_turn(TagFault.NEXT_LANE), None, EITHER,
         "only the tag of the vehicle in the next lane is seen", "读到邻道车辆标签",
         by_hand="cover the tag with metal and hold another one to the antenna"),
)  # fmt: skip
