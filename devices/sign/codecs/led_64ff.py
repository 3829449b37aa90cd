"""The frame of the LED boards of Chinese parking gates: address, 64 FF FF, command, length.

    addr | 64 | FF FF | cmd | len | data (len bytes) | CRC-16/Modbus, low byte first

    62   temporary text: line | entry mode, its speed | stop mode, its seconds | exit mode, its
         speed | font | repeats (0: for ever) | color, 4 bytes | background, 4 bytes | length, low
         byte first | text
    30   speak: 01 (now, dropping what is being said) | text

Source: one published program sends the text frame byte for byte as here (address 0, line 0, mode
15, red); the meaning of its fields and the speaking command are general knowledge of these boards.
Text is GB 18030 on most boards, UTF-8 on some.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.framing import LengthScanner

HEADER = b"\x64\xff\xff"
TEXT, SPEAK = 0x62, 0x30
TEXT_MAX_BYTES = 200
FRAME_MAX_BYTES = 6 + 255 + 2
_SPEAK_NOW = 0x01
_LOOK = bytes((0x15, 0x01, 0x00, 0x05, 0x00, 0x01, 0x03, 0x00))  # entry, stop, exit, font, repeats
_RED_ON_BLACK = bytes((0xFF, 0, 0, 0, 0, 0, 0, 0))
_BEFORE_TEXT = 1 + len(_LOOK) + len(_RED_ON_BLACK) + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFrame:
    """One command to the board. `line` is None where the text is spoken."""

    address: int
    line: int | None
    text: bytes


def encode(frame: BoardFrame) -> bytes:
    """The bytes of a frame.

    Raises ValueError for more text than fits, or an address or line that is no byte.
    """
    if len(frame.text) > TEXT_MAX_BYTES:
        raise ValueError(f"sign: {len(frame.text)} bytes of text, {TEXT_MAX_BYTES} fit")
    command, content = SPEAK, bytes((_SPEAK_NOW,)) + frame.text
    if frame.line is not None:
        length = len(frame.text).to_bytes(2, "little")
        command = TEXT
        content = bytes((frame.line,)) + _LOOK + _RED_ON_BLACK + length + frame.text
    head = bytes((frame.address,)) + HEADER + bytes((command, len(content)))
    body = head + content
    return body + crc(body).to_bytes(2, "little")


class Receiver(LengthScanner[BoardFrame]):
    """The board's ear: frames in what came over the wire, however it was cut. For the simulator."""

    def __init__(self, address: int) -> None:
        super().__init__(
            header=bytes((address,)) + HEADER,
            prefix_bytes=6,
            total_bytes=lambda prefix: 6 + prefix[5] + 2,
            max_bytes=FRAME_MAX_BYTES,
            parse=parse,
        )


def parse(candidate: bytes) -> BoardFrame | None:
    """The frame in exactly these bytes, or None."""
    if len(candidate) < len(HEADER) + 5 or candidate[1:4] != HEADER:
        return None
    body, told = candidate[:-2], int.from_bytes(candidate[-2:], "little")
    content = body[6:]
    if crc(body) != told or len(content) != body[5]:
        return None
    if body[4] == SPEAK and content[:1] == bytes((_SPEAK_NOW,)):
        return BoardFrame(address=body[0], line=None, text=content[1:])
    is_text = body[4] == TEXT and len(content) >= _BEFORE_TEXT
    if is_text and int.from_bytes(content[17:19], "little") == len(content) - _BEFORE_TEXT:
        return BoardFrame(address=body[0], line=content[0], text=content[_BEFORE_TEXT:])
    return None


def crc(message: bytes) -> int:
    """CRC-16/Modbus: reflected polynomial A001, from FFFF."""
    value = 0xFFFF
    for byte in message:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value
