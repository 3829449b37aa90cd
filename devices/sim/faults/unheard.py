"""What a lane can never hear of, because the driver of a device has no way to say it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from devices.camera.opening import kind_of
from devices.sim.faults.fault import Refusal
from devices.sim.weighbridge import ScaleFault, can_have
from devices.weighbridge.protocols import protocol_named

if TYPE_CHECKING:
    from devices.config import CameraConfig
    from devices.sim.bench import Bench
    from devices.sim.faults.turns import WhyNot

ASKED_READERS = ("osdp", "resident-id", "pcsc")  # the others send by themselves
_FEATURES = {
    ScaleFault.NET: ("net", "净重标志"),
    ScaleFault.NOT_ZEROED: ("not_zeroed", "未回零标志"),
    ScaleFault.MOTION: ("motion", "动态标志"),
    ScaleFault.UNIT: ("pounds", "单位（磅）"),
    ScaleFault.LATE: ("late: nobody asks for them", "应答：仪表主动发送"),
    ScaleFault.OTHER_SUM: ("other_sum", "这种写法的校验"),
}
"""What the frames of an indicator may lack (`can_have`)."""


def cannot_say(fault: ScaleFault) -> WhyNot:
    """Why an indicator, simulated or real, cannot have a fault: no word for it in its frames."""

    def why_not(bench: Bench) -> Refusal | None:
        driver = bench.config.weighbridge.driver
        if can_have(protocol_named(driver), fault):
            return None
        en, zh = _FEATURES[fault]
        return Refusal(f"frames of {driver} cannot say {en}", f"{driver} 的数据中没有{zh}")

    return why_not


def plug_of_reader_unfelt(bench: Bench) -> Refusal | None:
    """Why the driver of a real card reader never hears that its cable was pulled."""
    card = bench.config.card_reader
    return None if card.driver in ASKED_READERS else _unfelt(card.port)


def plug_of_sign_unfelt(bench: Bench) -> Refusal | None:
    """Why the driver of a real sign never hears that its cable was pulled."""
    sign = bench.config.sign
    return None if sign is None or sign.driver == "http" else _unfelt(sign.port)


def camera_has_no_cable(bench: Bench) -> Refusal | None:
    """Why a real camera has nothing to pull."""
    return _has_no_cable(bench.config.camera)


def lane_camera_has_no_cable(bench: Bench) -> Refusal | None:
    """Why a real lane camera has nothing to pull."""
    film = bench.config.lane_camera
    return None if film is None else _has_no_cable(film)


def _unfelt(port: str) -> Refusal | None:
    """Why nobody feels the plug of a device that is not asked: the port is the computer's own."""
    if "://" in port or not Path(port).resolve().name.startswith(("ttyS", "ttyAMA")):
        return None
    said = f"{port} is built in: it stays when its plug is pulled, and nothing is asked over it"
    return Refusal(said, f"{port} 为机内串口：拔线后端口仍在，且不作询问")


def _has_no_cable(camera: CameraConfig) -> Refusal | None:
    kind = kind_of(camera)
    if kind == "folder" or (kind == "stream" and "://" not in camera.source):
        said = "pictures that come from a file or a folder have no cable"
        return Refusal(said, "图像来自文件或文件夹，没有可拔的线")
    return None
