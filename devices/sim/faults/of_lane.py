"""The faults of the board and what is wired to it, of the boom, of cameras and sign."""

from __future__ import annotations

from devices.sim.faults.fault import PULL, PULL_HERE, Allows, FaultsOf
from devices.sim.faults.turns import (
    MIDWAY,
    MODBUS_BUSY,
    MODBUS_DEVICE_FAILURE,
    MODBUS_ILLEGAL_ADDRESS,
    SLOW_FACTOR,
    answer_late,
    answer_nothing,
    answers_nothing,
    boom_turn,
    bounce_turn,
    cable_turn,
    camera_turn,
    coil_turn,
    container_camera_turn,
    cover_lens,
    exception_turn,
    force_boom,
    hang_sign,
    input_turn,
    make_both_limits,
    no_camera,
    no_container_camera,
    no_key,
    no_lane_camera,
    no_plate_camera,
    no_sign,
    no_video,
    plate_camera_turn,
    refuse_messages,
    restart_board,
    stall_lane_camera,
    video_turn,
    world_turn,
)
from devices.sim.faults.unheard import (
    camera_has_no_cable,
    lane_camera_has_no_cable,
    plug_of_sign_unfelt,
)
from devices.sim.plate_camera import PlateCameraFault
from devices.sim.posting_camera import PostingFault

NOTHING, EITHER, RELEASE = Allows.NOTHING, Allows.EITHER, Allows.RELEASE

_board = FaultsOf(device="bus", prefix="board")
_boom = FaultsOf(device="barrier", prefix="boom")
_camera = FaultsOf(device="camera", prefix="camera", why_not=no_camera)
_lane_camera = FaultsOf(device="lane_camera", prefix="lane_camera", why_not=no_lane_camera)
_plate_camera = FaultsOf(device="plate_camera", prefix="plate_camera", why_not=no_plate_camera)
_boxes = FaultsOf(device="container_camera", prefix="container_camera", why_not=no_container_camera)
_sign = FaultsOf(device="sign", prefix="sign", why_not=no_sign)

BOARD_FAULTS = (
    _board("unplugged", cable_turn("board"), "bus_link", NOTHING,
           "the board's cable is pulled", "控制板通信线被拔出", by_hand=PULL),
    _board("silent", answer_nothing, "bus_link", NOTHING,
           "the board answers nothing", "控制板无应答", by_hand="switch the board off"),
    _board("late", answer_late, "bus_link", NOTHING,
           "every answer comes after the lane has stopped waiting", "控制板应答过迟"),
    _board("exception", exception_turn(MODBUS_DEVICE_FAILURE), "bus_link", NOTHING,
           "the board answers with exception 4", "控制板返回异常 04"),
    _board("wrong_address", exception_turn(MODBUS_ILLEGAL_ADDRESS), "bus_link", NOTHING,
           "the board answers with exception 2", "控制板返回异常 02"),
    _board("busy", exception_turn(MODBUS_BUSY), "bus_link", NOTHING,
           "the board answers that it is busy", "控制板忙 06"),
    _board("restarted", restart_board, "bus_link", NOTHING,
           "the board lost its supply: all relays drop out", "控制板断电重启",
           by_hand="cut its supply"),
    _board("exit_loop_bounces", bounce_turn("exit_loop"), None, EITHER,
           "the exit loop's contact chatters", "出口地感触点抖动"),
    _board("entry_loop_bounces", bounce_turn("entry_loop"), None, EITHER,
           "the entry loop's contact chatters", "入口地感触点抖动"),
    _board("entry_loop_stuck", input_turn("entry_loop", state=True), None, EITHER,
           "the entry loop stays occupied", "入口地感常占用",
           by_hand="lay a steel plate on the loop"),
    _board("exit_loop_stuck", input_turn("exit_loop", state=True), None, EITHER,
           "the exit loop stays occupied", "出口地感常占用",
           by_hand="lay a steel plate on the loop"),
    _board("exit_loop_dead", input_turn("exit_loop", state=False), None, EITHER,
           "the exit loop sees nothing", "出口地感失效",
           by_hand="disconnect the loop detector's output"),
    _board("front_beam_stuck", input_turn("front_beam", state=True), None, NOTHING,
           "the front beam stays cut", "前光束常遮挡", by_hand="cover the beam"),
    _board("rear_beam_stuck", input_turn("rear_beam", state=True), None, NOTHING,
           "the rear beam stays cut", "后光束常遮挡", by_hand="cover the beam"),
    _board("emergency_stop", input_turn("emergency_stop", state=True), "emergency_stop", NOTHING,
           "the emergency stop is pressed", "急停被按下", by_hand="press the emergency stop"),
    _board("key_on_manual", input_turn("manual_switch", state=True), "manual_switch", NOTHING,
           "the key at the barrier is turned: somebody works it by hand", "栏杆机已切换为手动",
           by_hand="turn the barrier's key to manual", why_not=no_key),
    _board("raise_relay_dead", coil_turn("raise_coil", closed=False), None, EITHER,
           "the raise relay does not close", "抬杆继电器不吸合",
           by_hand="disconnect the raise contact"),
    _board("lower_relay_dead", coil_turn("lower_coil", closed=False), None, RELEASE,
           "the lower relay does not close", "落杆继电器不吸合",
           by_hand="disconnect the lower contact"),
    _board("raise_relay_welded", coil_turn("raise_coil", closed=True), "relays", NOTHING,
           "the raise relay is welded: its contact stays closed", "抬杆继电器触点粘连"),
    _board("lower_relay_welded", coil_turn("lower_coil", closed=True), "relays", NOTHING,
           "the lower relay is welded: its contact stays closed", "落杆继电器触点粘连"),
)  # fmt: skip

BOOM_FAULTS = (
    _boom("slow", boom_turn("slow_factor", SLOW_FACTOR), None, RELEASE,
          "the boom takes four times as long", "栏杆动作缓慢"),
    _boom("jammed", boom_turn("jammed", broken=True), None, EITHER,
          "the boom does not move", "栏杆卡住"),
    _boom("stops_midway", boom_turn("jam_at", MIDWAY), None, EITHER,
          "the boom stops half way", "栏杆停在中途"),
    _boom("limits_contradict", make_both_limits, "barrier_fault", NOTHING,
          "both limit switches are made", "上下限位同时到位", by_hand="bridge both limit switches"),
    _boom("up_limit_dead", boom_turn("up_switch", broken=False), None, EITHER,
          "the up limit switch never makes", "上限位失效", by_hand="disconnect the up limit"),
    _boom("down_limit_dead", boom_turn("down_switch", broken=False), None, NOTHING,
          "the down limit switch never makes", "下限位失效", by_hand="disconnect the down limit"),
    _boom("controller_fault", boom_turn("fault_output", broken=True), "barrier_fault", NOTHING,
          "the barrier's controller reports a fault", "道闸控制器报故障"),
    _boom("forced", force_boom, None, NOTHING,
          "somebody lifts the boom by hand", "栏杆被人为抬起", by_hand="lift the boom by hand"),
    _boom("person_under", world_turn("obstacle_under_boom"), None, EITHER,
          "a person stands under the boom", "栏杆下有人", by_hand="cover the exit loop's sensor"),
    _boom("reverses", boom_turn("reverses", broken=True), None, EITHER,
          "the barrier's controller opens again by itself while the boom comes down",
          "道闸落杆时自动反转升起"),
)  # fmt: skip

CAMERA_FAULTS = (
    _camera("unplugged", cable_turn("camera"), "camera_link", NOTHING,
            "the camera's cable is pulled", "摄像机网线被拔出", by_hand=PULL,
            why_not_by_hand=camera_has_no_cable),
    _camera("stalled", camera_turn("stalled"), "camera_link", NOTHING,
            "the camera's connection stands and carries nothing", "摄像机无视频流"),
    _camera("frozen", camera_turn("frozen"), None, NOTHING,
            "the camera repeats one picture", "摄像机画面冻结"),
    _camera("cut", camera_turn("cut_short"), None, NOTHING,
            "every picture lacks its lower half", "摄像机图像残缺"),
    _camera("keys_lost", video_turn("loses_keys"), "camera_link", NOTHING,
            "the key pictures of the camera's H.264 stream are lost", "摄像机关键帧丢失",
            why_not=no_video),
    _camera("damaged", video_turn("flips_bits"), "camera_link", NOTHING,
            "the camera's H.264 stream arrives damaged", "摄像机视频流数据损坏", why_not=no_video),
    _camera("black", cover_lens, None, NOTHING,
            "the camera sees nothing: covered or dark", "摄像机画面全黑", by_hand="cover the lens"),
)  # fmt: skip

# Its clips are missed, and nothing else is.
LANE_CAMERA_FAULTS = (
    _lane_camera("unplugged", cable_turn("lane_camera"), "lane_camera", RELEASE,
                 "the lane camera's cable is pulled", "车道录像机网线被拔出", by_hand=PULL,
                 why_not_by_hand=lane_camera_has_no_cable),
    _lane_camera("stalled", stall_lane_camera, "lane_camera", RELEASE,
                 "the lane camera's connection stands and carries nothing", "车道录像机无视频流"),
)  # fmt: skip

# Its reading can contradict the lane's and no more, and that it is silent says nothing.
PLATE_CAMERA_FAULTS = (
    _plate_camera("unplugged", cable_turn("plate_camera"), None, RELEASE,
                  "the cable of the camera that reads plates is pulled", "车牌识别相机网线被拔出",
                  by_hand=PULL),
    _plate_camera("late", plate_camera_turn(PlateCameraFault.LATE), None, RELEASE,
                  "it posts a plate when the vehicle has left", "车牌识别结果过迟"),
    _plate_camera("twice", plate_camera_turn(PlateCameraFault.TWICE), None, RELEASE,
                  "it posts every plate twice", "车牌识别结果重复"),
    _plate_camera("another", plate_camera_turn(PlateCameraFault.ANOTHER), None, EITHER,
                  "it reads another plate than the vehicle's", "车牌识别结果不符"),
    _plate_camera("garbled", plate_camera_turn(PlateCameraFault.GARBAGE), None, RELEASE,
                  "it posts random bytes", "车牌识别数据乱码"),
    _plate_camera("half", plate_camera_turn(PlateCameraFault.HALF), None, RELEASE,
                  "its posts break off in the middle", "车牌识别数据残缺"),
)  # fmt: skip

# As long as policy does not demand the number: a number that is not declared is a person's in any
# case, one that is not read or cannot be one says nothing. Where policy demands it, all of these
# but "twice" forbid a release.
CONTAINER_CAMERA_FAULTS = (
    _boxes("unplugged", cable_turn("container_camera"), None, RELEASE,
           "the cable of the camera that reads containers is pulled", "箱号摄像机网线被拔出",
           by_hand=PULL),
    _boxes("late", container_camera_turn(PostingFault.LATE), None, RELEASE,
           "it posts a container number when the vehicle has left", "箱号识别结果过迟"),
    _boxes("twice", container_camera_turn(PostingFault.TWICE), None, RELEASE,
           "it posts every container number twice", "箱号识别结果重复"),
    _boxes("another", container_camera_turn(PostingFault.ANOTHER), None, NOTHING,
           "it reads another container number than the declared one", "箱号识别结果不符"),
    _boxes("misread", container_camera_turn(PostingFault.MISREAD), None, RELEASE,
           "the check digit of what it reads does not fit", "识别的箱号校验码错误"),
    _boxes("garbled", container_camera_turn(PostingFault.GARBAGE), None, RELEASE,
           "it posts random bytes", "箱号识别数据乱码"),
    _boxes("half", container_camera_turn(PostingFault.HALF), None, RELEASE,
           "its posts break off in the middle", "箱号识别数据残缺"),
)  # fmt: skip

SIGN_FAULTS = (
    _sign("unplugged", cable_turn("sign"), "sign_link", RELEASE,
          "the sign's cable is pulled", "显示屏数据线被拔出", by_hand=PULL_HERE,
          why_not_by_hand=plug_of_sign_unfelt),
    _sign("refuses", refuse_messages, "sign_link", RELEASE,
          "the sign answers every message with an error", "显示屏返回错误",
          why_not=answers_nothing),
    _sign("hangs", hang_sign, "sign_link", RELEASE,
          "the sign takes messages and answers none", "显示屏无应答", why_not=answers_nothing),
)  # fmt: skip
