"""What the bench says to a technician: the texts of `texts/*.toml`, and in which language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import (
    CommandRefused,
    DeviceConfigError,
    DeviceError,
    DeviceFault,
    DeviceTimeout,
    LinkDown,
    RemoteProtocolError,
)
from devices.texts import Catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.texts import Language, Said

CATALOGUE = Catalogue("devices.bench.texts")
said = CATALOGUE.said


class ToldError(DeviceError):
    """What went wrong and what to do about it, in both languages; as text in English."""

    def __init__(self, told: Said) -> None:
        super().__init__(told.en)
        self.told = told


class ToldConfigError(ToldError, DeviceConfigError):
    """The lane file, an option or a file of answers cannot work; the message names the key."""


def told_of(exc: DeviceError) -> Said:
    """An error in words. What a driver or the lane file's reader says is English, as in the log."""
    if isinstance(exc, ToldError):
        return exc.told
    why = str(exc)
    match exc:
        case DeviceConfigError():
            return said("failure.lane_file", why=why)
        case LinkDown():
            return said("failure.link_down", why=why)
        case DeviceTimeout():
            return said("failure.timeout", why=why)
        case RemoteProtocolError():
            return said("failure.protocol", why=why)
        case DeviceFault():
            return said("failure.device_fault", why=why)
        case CommandRefused():
            return said("failure.refused", why=why)
        case _:
            return said("failure.other", why=why)


def language_of(environment: Mapping[str, str]) -> Language:
    """The language of a terminal: Chinese where its locale says so, else English."""
    names = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")  # the first that is set counts
    return "zh" if locale.lower().startswith("zh") else "en"
