"""The `[devices]` tables of a lane file, read and checked; the rest is not looked at."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import msgspec

from devices.config import DevicesConfig
from devices.errors import DeviceConfigError

if TYPE_CHECKING:
    from pathlib import Path


def load_devices(path: Path) -> DevicesConfig:
    """The devices of the lane file at `path`.

    Raises:
        DeviceConfigError: unreadable, not TOML, no `[devices]` table, or a key in it is unknown,
            missing or wrong; the message names the file and the key's path.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise DeviceConfigError(f"{path}: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise DeviceConfigError(f"{path}: not UTF-8 at byte {exc.start}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise DeviceConfigError(f"{path}: not TOML: {exc}") from exc
    if "devices" not in tables:
        raise DeviceConfigError(f"{path}: no [devices] table")
    try:
        return msgspec.convert(tables["devices"], DevicesConfig)
    except msgspec.ValidationError as exc:
        raise DeviceConfigError(f"{path}: {_with_full_path(str(exc))}") from exc


def _with_full_path(message: str) -> str:
    """Make msgspec's path start at the file's root."""
    if " - at `$" in message:
        return message.replace(" - at `$", " - at `$.devices")
    return f"{message} - at `$.devices`"
