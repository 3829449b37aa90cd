"""From a sign's table to its driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never
from urllib.parse import urlsplit

from devices.addresses import without_password
from devices.errors import DeviceConfigError
from devices.sign.http import HttpSign
from devices.sign.led_board import LedBoard

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.config import SignConfig
    from devices.sign.api import TextSign


def check_sign(config: SignConfig) -> None:
    """Raises `DeviceConfigError` for a table that lacks what its driver needs."""
    if config.driver == "http" and urlsplit(config.url).scheme not in ("http", "https"):
        place = without_password(config.url)
        raise DeviceConfigError(f"sign.url: {place!r} is no http:// or https:// address")
    if config.driver != "http" and not config.port:
        raise DeviceConfigError(f"sign.port: needed where driver is {config.driver!r}")


def open_sign(config: SignConfig, clock: Clock) -> TextSign:
    """The driver for `config`. Nothing is touched until its `open` is called.

    Raises:
        DeviceConfigError: see `check_sign`.
    """
    check_sign(config)
    match config.driver:
        case "led-64ff":
            return LedBoard(config, clock)
        case "http":
            return HttpSign(config, clock)
        case _:
            assert_never(config.driver)
