"""What is said to a card behind a PC/SC reader: commands (APDUs) and their answers. Pure.

The commands are those of PC/SC part 3 for contactless cards, general knowledge: compare with the
reader's manual. An answer ends with two status bytes, 90 00 when all is well, 63 00 when a key or
block was refused, 6A 82 when there is no such file.
"""

from __future__ import annotations

GET_UID = bytes.fromhex("FF CA 00 00 00")
DONE = b"\x90\x00"
KEY_BYTES = 6
KEY_A = 0x60
UID_LENGTHS = (4, 7, 8, 10)


def load_key(key: bytes) -> bytes:
    """Put the key of a MIFARE Classic sector into the reader's place 0."""
    return bytes((0xFF, 0x82, 0x00, 0x00, len(key))) + key


def authenticate(block: int) -> bytes:
    """Open the sector of `block` with the key in place 0, as key A."""
    return bytes((0xFF, 0x86, 0x00, 0x00, 0x05, 0x01, 0x00, block, KEY_A, 0x00))


def read_block(block: int) -> bytes:
    """The 16 bytes of `block`."""
    return bytes((0xFF, 0xB0, 0x00, block, 0x10))


def content_of(answer: bytes) -> bytes | None:
    """What an answer carries; None when its status says that it was refused."""
    return answer[:-2] if answer[-2:] == DONE else None
