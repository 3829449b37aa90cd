"""What a lane can never hear of, because the driver of a device has no way to say it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from devices.camera.opening import kind_of
from devices.sim.faults.wording import said
from devices.sim.weighbridge import ScaleFault, can_have
from devices.weighbridge.protocols import protocol_named

if TYPE_CHECKING:
    from devices.config import CameraConfig
    from devices.sim.bench import Bench
    from devices.sim.faults.turns import WhyNot
    from devices.texts import Said

ASKED_READERS = ("osdp", "resident-id", "pcsc")  # the others send by themselves


def cannot_say(fault: ScaleFault) -> WhyNot:
    """Why an indicator, simulated or real, cannot have a fault: no word for it in its frames."""

    def why_not(bench: Bench) -> Said | None:
        driver = bench.config.weighbridge.driver
        if can_have(protocol_named(driver), fault):
            return None
        feature = said(f"feature.{fault.value}")
        return said("why_not.cannot_say", driver=driver, feature=feature)

    return why_not


def plug_of_reader_unfelt(bench: Bench) -> Said | None:
    """Why the driver of a real card reader never hears that its cable was pulled."""
    card = bench.config.card_reader
    return None if card.driver in ASKED_READERS else _unfelt(card.port)


def plug_of_sign_unfelt(bench: Bench) -> Said | None:
    """Why the driver of a real sign never hears that its cable was pulled."""
    sign = bench.config.sign
    return None if sign is None or sign.driver == "http" else _unfelt(sign.port)


def camera_has_no_cable(bench: Bench) -> Said | None:
    """Why a real camera has nothing to pull."""
    return _has_no_cable(bench.config.camera)


def lane_camera_has_no_cable(bench: Bench) -> Said | None:
    """Why a real lane camera has nothing to pull."""
    film = bench.config.lane_camera
    return None if film is None else _has_no_cable(film)


def _unfelt(port: str) -> Said | None:
    """Why nobody feels the plug of a device that is not asked: the port is the computer's own."""
    if "://" in port or not Path(port).resolve().name.startswith(("ttyS", "ttyAMA")):
        return None
    return said("why_not.built_in_port", port=port)


def _has_no_cable(camera: CameraConfig) -> Said | None:
    kind = kind_of(camera)
    if kind == "folder" or (kind == "stream" and "://" not in camera.source):
        return said("why_not.no_cable")
    return None
