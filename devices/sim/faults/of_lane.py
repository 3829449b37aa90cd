"""The faults of the board and what is wired to it, of the boom, of cameras and sign."""

from __future__ import annotations

from devices.sim.faults.fault import Allows, FaultsOf
from devices.sim.faults.turns import cable_turn, world_turn
from devices.sim.faults.turns_of_lane import (
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
    _board("unplugged", cable_turn("board"), "bus_link", NOTHING, by_hand=True),
    _board("silent", answer_nothing, "bus_link", NOTHING, by_hand=True),
    _board("late", answer_late, "bus_link", NOTHING),
    _board("exception", exception_turn(MODBUS_DEVICE_FAILURE), "bus_link", NOTHING),
    _board("wrong_address", exception_turn(MODBUS_ILLEGAL_ADDRESS), "bus_link", NOTHING),
    _board("busy", exception_turn(MODBUS_BUSY), "bus_link", NOTHING),
    _board("restarted", restart_board, "bus_link", NOTHING, by_hand=True),
    _board("exit_loop_bounces", bounce_turn("exit_loop"), None, EITHER),
    _board("entry_loop_bounces", bounce_turn("entry_loop"), None, EITHER),
    _board("entry_loop_stuck", input_turn("entry_loop", state=True), None, EITHER, by_hand=True),
    _board("exit_loop_stuck", input_turn("exit_loop", state=True), None, EITHER, by_hand=True),
    _board("exit_loop_dead", input_turn("exit_loop", state=False), None, EITHER, by_hand=True),
    _board("front_beam_stuck", input_turn("front_beam", state=True), None, NOTHING, by_hand=True),
    _board("rear_beam_stuck", input_turn("rear_beam", state=True), None, NOTHING, by_hand=True),
    _board(
        "emergency_stop",
        input_turn("emergency_stop", state=True),
        "emergency_stop",
        NOTHING,
        by_hand=True,
    ),
    _board(
        "key_on_manual",
        input_turn("manual_switch", state=True),
        "manual_switch",
        NOTHING,
        by_hand=True,
        why_not=no_key,
    ),
    _board("raise_relay_dead", coil_turn("raise_coil", closed=False), None, EITHER, by_hand=True),
    _board("lower_relay_dead", coil_turn("lower_coil", closed=False), None, RELEASE, by_hand=True),
    _board("raise_relay_welded", coil_turn("raise_coil", closed=True), "relays", NOTHING),
    _board("lower_relay_welded", coil_turn("lower_coil", closed=True), "relays", NOTHING),
)

BOOM_FAULTS = (
    _boom("slow", boom_turn("slow_factor", SLOW_FACTOR), None, RELEASE),
    _boom("jammed", boom_turn("jammed", broken=True), None, EITHER),
    _boom("stops_midway", boom_turn("jam_at", MIDWAY), None, EITHER),
    _boom("limits_contradict", make_both_limits, "barrier_fault", NOTHING, by_hand=True),
    _boom("up_limit_dead", boom_turn("up_switch", broken=False), None, EITHER, by_hand=True),
    _boom("down_limit_dead", boom_turn("down_switch", broken=False), None, NOTHING, by_hand=True),
    _boom("controller_fault", boom_turn("fault_output", broken=True), "barrier_fault", NOTHING),
    _boom("forced", force_boom, None, NOTHING, by_hand=True),
    _boom("person_under", world_turn("obstacle_under_boom"), None, EITHER, by_hand=True),
    _boom("reverses", boom_turn("reverses", broken=True), None, EITHER),
)

CAMERA_FAULTS = (
    _camera(
        "unplugged",
        cable_turn("camera"),
        "camera_link",
        NOTHING,
        by_hand=True,
        why_not_by_hand=camera_has_no_cable,
    ),
    _camera("stalled", camera_turn("stalled"), "camera_link", NOTHING),
    _camera("frozen", camera_turn("frozen"), None, NOTHING),
    _camera("cut", camera_turn("cut_short"), None, NOTHING),
    _camera("keys_lost", video_turn("loses_keys"), "camera_link", NOTHING, why_not=no_video),
    _camera("damaged", video_turn("flips_bits"), "camera_link", NOTHING, why_not=no_video),
    _camera("black", cover_lens, None, NOTHING, by_hand=True),
)

# Its clips are missed, and nothing else is.
LANE_CAMERA_FAULTS = (
    _lane_camera(
        "unplugged",
        cable_turn("lane_camera"),
        "lane_camera",
        RELEASE,
        by_hand=True,
        why_not_by_hand=lane_camera_has_no_cable,
    ),
    _lane_camera("stalled", stall_lane_camera, "lane_camera", RELEASE),
)

# Its reading can contradict the lane's and no more, and that it is silent says nothing.
PLATE_CAMERA_FAULTS = (
    _plate_camera("unplugged", cable_turn("plate_camera"), None, RELEASE, by_hand=True),
    _plate_camera("late", plate_camera_turn(PlateCameraFault.LATE), None, RELEASE),
    _plate_camera("twice", plate_camera_turn(PlateCameraFault.TWICE), None, RELEASE),
    _plate_camera("another", plate_camera_turn(PlateCameraFault.ANOTHER), None, EITHER),
    _plate_camera("garbled", plate_camera_turn(PlateCameraFault.GARBAGE), None, RELEASE),
    _plate_camera("half", plate_camera_turn(PlateCameraFault.HALF), None, RELEASE),
)

# As long as policy does not demand the number: a number that is not declared is a person's in any
# case, one that is not read or cannot be one says nothing. Where policy demands it, all of these
# but "twice" forbid a release.
CONTAINER_CAMERA_FAULTS = (
    _boxes("unplugged", cable_turn("container_camera"), None, RELEASE, by_hand=True),
    _boxes("late", container_camera_turn(PostingFault.LATE), None, RELEASE),
    _boxes("twice", container_camera_turn(PostingFault.TWICE), None, RELEASE),
    _boxes("another", container_camera_turn(PostingFault.ANOTHER), None, NOTHING),
    _boxes("misread", container_camera_turn(PostingFault.MISREAD), None, RELEASE),
    _boxes("garbled", container_camera_turn(PostingFault.GARBAGE), None, RELEASE),
    _boxes("half", container_camera_turn(PostingFault.HALF), None, RELEASE),
)

SIGN_FAULTS = (
    _sign(
        "unplugged",
        cable_turn("sign"),
        "sign_link",
        RELEASE,
        by_hand=True,
        why_not_by_hand=plug_of_sign_unfelt,
    ),
    _sign("refuses", refuse_messages, "sign_link", RELEASE, why_not=answers_nothing),
    _sign("hangs", hang_sign, "sign_link", RELEASE, why_not=answers_nothing),
)
