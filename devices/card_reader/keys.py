"""Keys of readers and cards: hex digits in a file that only the lane may read."""

from __future__ import annotations

from pathlib import Path

from devices.errors import DeviceConfigError


def read_key(path: str, length_bytes: int) -> bytes:
    """The key of `length_bytes` bytes in the file `path`; spaces and line ends do not matter.

    Raises:
        DeviceConfigError: there is no such file, or something else is in it.
    """
    if not path:
        raise DeviceConfigError("card_reader.key_file: needed by this driver")
    try:
        text = "".join(Path(path).read_text(encoding="ascii").split())
        key = bytes.fromhex(text)
    except OSError as exc:
        raise DeviceConfigError(f"card_reader.key_file: {path}: {exc.strerror or exc}") from exc
    except ValueError:
        raise DeviceConfigError(f"card_reader.key_file: {path}: not hex digits") from None
    if len(key) != length_bytes:
        raise DeviceConfigError(
            f"card_reader.key_file: {path}: {len(key)} bytes, {length_bytes} are needed"
        )
    return key
