"""The library of faults: one table, each with what a lane must do about it.

A fault is switched on and off in a running `Bench`. `code` is the lasting condition that a lane
must report while it lasts (a code of the lane's own catalogue, as text), None where the lane
cannot know. `allows` is what it may decide about a vehicle meanwhile. `by_hand` is how a person
makes the same fault on a real device; "" where nobody should or can.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from devices.errors import DeviceError
from devices.sim.card_reader import CardFault
from devices.sim.faults.line import LineFault
from devices.sim.faults.turns import (
    MIDWAY,
    MODBUS_BUSY,
    MODBUS_DEVICE_FAILURE,
    MODBUS_ILLEGAL_ADDRESS,
    SLOW_FACTOR,
    answer_late,
    answer_nothing,
    boom_turn,
    bounce_turn,
    cable_turn,
    camera_turn,
    card_line_turn,
    card_turn,
    coil_turn,
    cover_lens,
    exception_turn,
    force_boom,
    input_turn,
    make_both_limits,
    no_camera,
    present_earlier_card,
    put_person_under_boom,
    restart_board,
    scale_line_turn,
    scale_turn,
)
from devices.sim.weighbridge import ScaleFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.sim.bench import Bench
    from devices.sim.faults.turns import Switch, WhyNot

Device = Literal["bus", "weighbridge", "card_reader", "camera", "barrier"]


class Allows(StrEnum):
    """What a lane may do with a vehicle that it takes in while the fault lasts."""

    NOTHING = "nothing"  # it must not release it by itself
    EITHER = "either"  # that depends on what it had read before
    RELEASE = "release"  # the fault is harmless: it must release a good one


class FaultError(DeviceError):
    """No such fault, or this bench cannot have it; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `turn(bench, on)` switches it; `why_not` says why a bench cannot have it."""

    name: str
    device: Device
    en: str
    zh: str
    turn: Switch
    code: str | None = None
    allows: Allows = Allows.NOTHING
    by_hand: str = ""
    why_not: WhyNot = lambda _bench: None

    def refusal(self, bench: Bench) -> str | None:
        """Why `bench` cannot have this fault; None when it can."""
        served = "bus" if self.device == "barrier" else self.device
        if served not in bench.simulated:
            return f"{self.name}: the {served} is not simulated"
        return self.why_not(bench)


class FaultSwitches:
    """The faults of one bench. From one thread at a time."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._on: dict[str, Fault] = {}

    @property
    def active(self) -> tuple[str, ...]:
        """The faults that are on."""
        return tuple(self._on)

    def turn(self, name: str, *, on: bool) -> Fault:
        """Switch one on or off.

        Raises:
            FaultError: no such fault, or this bench cannot have it.
        """
        fault = fault_named(name)
        if on and (refused := fault.refusal(self._bench)):
            raise FaultError(refused)
        if on:
            self._on[name] = fault
        else:
            self._on.pop(name, None)
        fault.turn(self._bench, on)
        return fault

    def clear(self) -> None:
        """Switch off whatever is on."""
        for name in tuple(self._on):
            self.turn(name, on=False)


def fault_named(name: str) -> Fault:
    """The fault of that name. Raises `FaultError` naming those there are."""
    if name not in FAULTS:
        raise FaultError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    return FAULTS[name]


_PULL = "pull the plug of the data cable; put it back to end the fault"


def _weighbridge_faults() -> Iterator[Fault]:
    yield Fault(
        name="scale_unplugged",
        device="weighbridge",
        en="the scale's cable is pulled",
        zh="地磅数据线被拔出",
        turn=cable_turn("scale"),
        code="scale_link",
        by_hand=_PULL,
    )
    for name, fault, code, allows, en, zh, by_hand in (
        ("silent", ScaleFault.SILENCE, "scale_link", Allows.NOTHING,
         "the indicator sends nothing", "仪表无数据", "switch the indicator off"),
        ("garbled", ScaleFault.GARBLE, "scale_link", Allows.NOTHING,
         "a bit of every frame is wrong: no checksum fits", "每帧有误码 校验不符", ""),
        ("cut", ScaleFault.CUT, "scale_link", Allows.NOTHING,
         "every frame ends early", "每帧残缺", ""),
        ("noise", ScaleFault.NOISE, None, Allows.RELEASE,
         "noise between good frames", "帧间有噪声", ""),
        ("frozen", ScaleFault.FREEZE, None, Allows.NOTHING,
         "the indicator repeats one value for ever", "仪表数值冻结", ""),
        ("overload", ScaleFault.OVERLOAD, "scale_value", Allows.NOTHING,
         "the scale is overloaded", "地磅超载", ""),
        ("negative", ScaleFault.NEGATIVE, "scale_value", Allows.NOTHING,
         "the value lies below zero", "重量低于零点", ""),
        ("net", ScaleFault.NET, "scale_value", Allows.NOTHING,
         "the indicator shows net weight", "仪表显示净重", "press the tare key"),
        ("not_zeroed", ScaleFault.NOT_ZEROED, "scale_value", Allows.NOTHING,
         "the indicator came up without a zero", "仪表未回零", ""),
        ("unit", ScaleFault.UNIT, "scale_value", Allows.NOTHING,
         "the display was switched to pounds", "仪表单位被切换", "switch the display to pounds"),
        ("motion", ScaleFault.MOTION, None, Allows.NOTHING,
         "the indicator never says that it rests", "仪表始终显示不稳定", ""),
        ("late", ScaleFault.LATE, "scale_link", Allows.NOTHING,
         "every answer comes too late", "仪表应答过迟", ""),
    ):  # fmt: skip
        turn, why_not = scale_turn(fault)
        yield Fault(
            name=f"scale_{name}",
            device="weighbridge",
            en=en,
            zh=zh,
            turn=turn,
            why_not=why_not,
            code=code,
            allows=allows,
            by_hand=by_hand,
        )
    for line, en, zh in (
        (LineFault.SLOWER, "the indicator sends at half the baud rate", "仪表波特率减半"),
        (LineFault.FASTER, "the indicator sends at twice the baud rate", "仪表波特率加倍"),
        (LineFault.PARITY, "the indicator sends seven bits with parity", "仪表为七位偶校验"),
        (LineFault.SWAPPED, "the two data wires are swapped", "数据线 A/B 接反"),
        (LineFault.DEAF, "the wires towards the indicator are broken", "通往仪表的数据线断开"),
    ):
        turn, why_not = scale_line_turn(line)
        yield Fault(
            name=f"scale_line_{line.value}",
            device="weighbridge",
            en=en,
            zh=zh,
            turn=turn,
            why_not=why_not,
            code="scale_link",
        )


def _card_faults() -> Iterator[Fault]:
    for name, turn, code, allows, en, zh, by_hand in (
        ("unplugged", cable_turn("card_reader"), "card_link", Allows.NOTHING,
         "the card reader's cable is pulled", "读卡器数据线被拔出", _PULL),
        ("silent", card_turn(CardFault.SILENCE), None, Allows.NOTHING,
         "the card reader sends nothing", "读卡器无数据", "switch the card reader off"),
        ("half", card_turn(CardFault.HALF_FRAME), None, Allows.NOTHING,
         "the card is pulled away: half a frame", "刷卡过快 数据残缺", ""),
        ("garbled", card_turn(CardFault.GARBAGE), None, Allows.NOTHING,
         "random bytes instead of a card", "读卡数据乱码", ""),
        ("noise", card_turn(CardFault.NOISE), None, Allows.RELEASE,
         "noise before a good frame", "读卡数据前有噪声", ""),
        ("double_read", card_turn(CardFault.DOUBLE_READ), None, Allows.RELEASE,
         "every card is read twice", "同一张卡重复读出", "hold the card to the reader twice"),
        ("line_slower", card_line_turn(LineFault.SLOWER), None, Allows.NOTHING,
         "the card reader sends at half the baud rate", "读卡器波特率减半", ""),
        ("line_swapped", card_line_turn(LineFault.SWAPPED), None, Allows.NOTHING,
         "the reader's data wires are swapped", "读卡器数据线 A/B 接反", ""),
        ("of_another", present_earlier_card, None, Allows.EITHER,
         "the card of the previous driver is read", "读到上一位司机的卡", "hold another card"),
    ):  # fmt: skip
        yield Fault(
            name=f"card_{name}",
            device="card_reader",
            en=en,
            zh=zh,
            turn=turn,
            code=code,
            allows=allows,
            by_hand=by_hand,
        )


def _board_faults() -> Iterator[Fault]:
    for name, turn, code, allows, en, zh, by_hand in (
        ("unplugged", cable_turn("board"), "bus_link", Allows.NOTHING,
         "the board's cable is pulled", "控制板通信线被拔出", _PULL),
        ("silent", answer_nothing, "bus_link", Allows.NOTHING,
         "the board answers nothing", "控制板无应答", "switch the board off"),
        ("late", answer_late, "bus_link", Allows.NOTHING,
         "every answer comes after the lane has stopped waiting", "控制板应答过迟", ""),
        ("exception", exception_turn(MODBUS_DEVICE_FAILURE), "bus_link", Allows.NOTHING,
         "the board answers with exception 4", "控制板返回异常 04", ""),
        ("wrong_address", exception_turn(MODBUS_ILLEGAL_ADDRESS), "bus_link", Allows.NOTHING,
         "the board answers with exception 2", "控制板返回异常 02", ""),
        ("busy", exception_turn(MODBUS_BUSY), "bus_link", Allows.NOTHING,
         "the board answers that it is busy", "控制板忙 06", ""),
        ("restarted", restart_board, "bus_link", Allows.NOTHING,
         "the board lost its supply: all relays drop out", "控制板断电重启", "cut its supply"),
        ("exit_loop_bounces", bounce_turn("exit_loop"), None, Allows.EITHER,
         "the exit loop's contact chatters", "出口线圈触点抖动", ""),
        ("entry_loop_bounces", bounce_turn("entry_loop"), None, Allows.EITHER,
         "the entry loop's contact chatters", "入口线圈触点抖动", ""),
        ("entry_loop_stuck", input_turn("entry_loop", state=True), None, Allows.EITHER,
         "the entry loop stays occupied", "入口线圈常占用", "lay a steel plate on the loop"),
        ("exit_loop_stuck", input_turn("exit_loop", state=True), None, Allows.EITHER,
         "the exit loop stays occupied", "出口线圈常占用", "lay a steel plate on the loop"),
        ("exit_loop_dead", input_turn("exit_loop", state=False), None, Allows.EITHER,
         "the exit loop sees nothing", "出口线圈失效", "disconnect the loop detector's output"),
        ("front_beam_stuck", input_turn("front_beam", state=True), None, Allows.NOTHING,
         "the front beam stays cut", "前光幕常遮挡", "cover the beam"),
        ("rear_beam_stuck", input_turn("rear_beam", state=True), None, Allows.NOTHING,
         "the rear beam stays cut", "后光幕常遮挡", "cover the beam"),
        ("emergency_stop", input_turn("emergency_stop", state=True), "emergency_stop",
         Allows.NOTHING, "the emergency stop is pressed", "急停被按下", "press the emergency stop"),
        ("raise_relay_dead", coil_turn("raise_coil", closed=False), None, Allows.EITHER,
         "the raise relay does not close", "抬杆继电器不吸合", "disconnect the raise contact"),
        ("lower_relay_dead", coil_turn("lower_coil", closed=False), None, Allows.RELEASE,
         "the lower relay does not close", "落杆继电器不吸合", "disconnect the lower contact"),
    ):  # fmt: skip
        yield Fault(
            name=f"board_{name}",
            device="bus",
            en=en,
            zh=zh,
            turn=turn,
            code=code,
            allows=allows,
            by_hand=by_hand,
        )


def _barrier_faults() -> Iterator[Fault]:
    for name, turn, code, allows, en, zh, by_hand in (
        ("slow", boom_turn("slow_factor", SLOW_FACTOR), None, Allows.RELEASE,
         "the boom takes four times as long", "栏杆动作缓慢", ""),
        ("jammed", boom_turn("jammed", True), None, Allows.EITHER,  # noqa: FBT003 - a field's value
         "the boom does not move", "栏杆卡住", ""),
        ("stops_midway", boom_turn("jam_at", MIDWAY), None, Allows.EITHER,
         "the boom stops half way", "栏杆停在中途", ""),
        ("limits_contradict", make_both_limits, "barrier_fault", Allows.NOTHING,
         "both limit switches are made", "上下限位同时到位", "bridge both limit switches"),
        ("up_limit_dead", boom_turn("up_switch", False), None, Allows.EITHER,  # noqa: FBT003
         "the up limit switch never makes", "上限位失效", "disconnect the up limit"),
        ("down_limit_dead", boom_turn("down_switch", False), None, Allows.NOTHING,  # noqa: FBT003
         "the down limit switch never makes", "下限位失效", "disconnect the down limit"),
        ("controller_fault", boom_turn("fault_output", True), "barrier_fault", Allows.NOTHING,  # noqa: FBT003
         "the barrier's controller reports a fault", "道闸控制器报故障", ""),
        ("forced", force_boom, None, Allows.NOTHING,
         "somebody lifts the boom by hand", "栏杆被人为抬起", "lift the boom by hand"),
        ("person_under", put_person_under_boom, None, Allows.EITHER,
         "a person stands under the boom", "栏杆下有人", "cover the exit loop's sensor"),
    ):  # fmt: skip
        yield Fault(
            name=f"boom_{name}",
            device="barrier",
            en=en,
            zh=zh,
            turn=turn,
            code=code,
            allows=allows,
            by_hand=by_hand,
        )


def _camera_faults() -> Iterator[Fault]:
    for name, turn, code, allows, en, zh, by_hand in (
        ("unplugged", cable_turn("camera"), "camera_link", Allows.NOTHING,
         "the camera's cable is pulled", "摄像机网线被拔出", _PULL),
        ("stalled", camera_turn("stalled"), "camera_link", Allows.NOTHING,
         "the camera's connection stands and carries nothing", "摄像机无视频流", ""),
        ("frozen", camera_turn("frozen"), None, Allows.NOTHING,
         "the camera repeats one picture", "摄像机画面冻结", ""),
        ("cut", camera_turn("cut_short"), None, Allows.NOTHING,
         "every picture lacks its lower half", "摄像机图像残缺", ""),
        ("black", cover_lens, None, Allows.NOTHING,
         "the camera sees nothing: covered or dark", "摄像机画面全黑", "cover the lens"),
    ):  # fmt: skip
        yield Fault(
            name=f"camera_{name}",
            device="camera",
            en=en,
            zh=zh,
            turn=turn,
            why_not=no_camera,
            code=code,
            allows=allows,
            by_hand=by_hand,
        )


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for faults in (
        _weighbridge_faults(),
        _card_faults(),
        _board_faults(),
        _barrier_faults(),
        _camera_faults(),
    )
    for fault in faults
}
