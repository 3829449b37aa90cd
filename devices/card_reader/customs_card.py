"""The fields of the driver's IC card that customs gates use, and how they stand on a card. Pure.

Names and longest texts from an interface document and public code that agree. Where on a card a
field stands is each port's own: the lane file names the first block of each field it wants, and a
field goes on through the data blocks that follow, leaving out the keys' blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBER = "DR_IC_NO"
LONGEST_BYTES: Mapping[str, int] = {
    NUMBER: 10,  # the card's number, as 0900123018 or SBM0002035
    "IC_DR_CUSTOMS_NO": 10,  # the driver's customs number
    "IC_CO_CUSTOMS_NO": 10,  # the carrier's
    "IC_BILL_NO": 200,  # number of the document that is written to the card
    "IC_FORM_TYPE": 1,
    "IC_REG_DATETIME": 19,
    "IC_PER_DAY_DUE": 10,  # valid for so many days
    "IC_GROSS_WT": 10,
    "IC_VE_CUSTOMS_NO": 10,  # the vehicle's customs number
    "IC_VE_NAME": 32,  # its plate
    "IC_CONTA_ID": 32,  # two are joined by |
    "IC_ESEAL_ID": 120,
    "IC_BUSS_TYPE": 10,
    "IC_EX_DATA": 200,
}
BLOCK_BYTES = 16
LAST_BLOCK = 255  # of a card of 4 KB
SMALL_SECTORS_END = 128  # MIFARE Classic: below it every 4th block holds keys, above every 16th


def blocks_of(field: str, first_block: int) -> tuple[int, ...]:
    """The data blocks over which `field` stands when it begins at `first_block`.

    Raises:
        DeviceConfigError: there is no such field, it begins at a block of keys, or it would go on
            behind the last block of a card.
    """
    if field not in LONGEST_BYTES:
        known = ", ".join(LONGEST_BYTES)
        raise DeviceConfigError(f"card_reader.field_blocks: {field!r} is not one of {known}")
    if holds_keys(first_block):
        raise DeviceConfigError(
            f"card_reader.field_blocks: {field}: block {first_block} holds keys"
        )
    wanted = -(-LONGEST_BYTES[field] // BLOCK_BYTES)
    blocks: list[int] = []
    block = first_block
    while len(blocks) < wanted:
        if not holds_keys(block):
            blocks.append(block)
        block += 1
    if blocks[-1] > LAST_BLOCK:
        raise DeviceConfigError(
            f"card_reader.field_blocks: {field} from block {first_block} on needs {wanted} blocks:"
            f" it would end behind the card's last, {LAST_BLOCK}"
        )
    return tuple(blocks)


def holds_keys(block: int) -> bool:
    """Whether `block` is a sector's last one, with its keys."""
    sector_blocks = 4 if block < SMALL_SECTORS_END else 16
    return block % sector_blocks == sector_blocks - 1


def text_of(field: str, content: bytes) -> str | None:
    """The text in the blocks of `field`; None when it is none.

    It ends at the first zero or FF byte; GB 18030, as plates have Chinese in them.
    """
    end = min((at for at in (content.find(0x00), content.find(0xFF)) if at >= 0), default=None)
    try:
        text = content[: LONGEST_BYTES[field]][:end].decode("gb18030").strip()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def number_in(text: str | None) -> str | None:
    """The card's number in capitals; None when it is not one of letters and digits."""
    if text is None or not (text.isascii() and text.isalnum()):
        return None
    return text.upper()
