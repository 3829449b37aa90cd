"""One card, one number, however its reader writes it. Pure.

The same card is `A2C31F07` at one reader, `071FC3A2` at another, `2730696455` at a third and
`49951,07943` behind a fourth. A declaration has one of them. So each reader's table says how it
writes (`number_format`, `byte_order`), and all end as upper-case hex, most significant byte first.

    hex         bytes, or text in hex digits
    decimal     text: the whole number in decimal digits, as in 0009334109
    wiegand-26  26 bits: parity, facility 8, number 16, parity; as text 142,27997 or 14227997
    wiegand-34  34 bits: parity, facility 16, number 16, parity; as text 41667,07943 or 4166707943
    text        the text itself: customs card numbers, resident numbers, codes on paper

Wiegand's even parity is over the first half of the bits, the odd one over the second half. What
does not fit its format is no card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.config import ByteOrder, NumberFormat

DECIMAL_BYTES = 4  # a decimal number stands for so many bytes at least
MAX_BYTES = 16
_FACILITY_BYTES = {"wiegand-26": 1, "wiegand-34": 2}
_WIEGAND_BITS = {"wiegand-26": 26, "wiegand-34": 34}
_HEX_DIGITS = frozenset("0123456789ABCDEF")
_WIEGAND_NUMBER_DIGITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CardBits:
    """A number as bits, most significant first, as Wiegand and OSDP have them: "0" and "1"."""

    bits: str


CardNumber = bytes | str | CardBits


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How one reader writes numbers.

    `characters`: of a text without separators, 0: any. `keep_bytes`: the last so many bytes count,
    as with readers that send 24 bits of 32; 0: all.
    """

    number_format: NumberFormat
    byte_order: ByteOrder = "as_sent"
    characters: int = 0
    keep_bytes: int = 0


def uid_of(number: CardNumber, spelling: Spelling) -> str | None:
    """The card's number as every reader's would be; None when it is not as `spelling` says."""
    if isinstance(number, str):
        return _of_text(number.strip(), spelling)
    octets = _octets_of_bits(number.bits, spelling) if isinstance(number, CardBits) else number
    return None if octets is None else _finished(octets, spelling)


def _of_text(text: str, spelling: Spelling) -> str | None:
    if spelling.number_format == "text":
        plain = text.upper()
    else:
        plain = "".join(each for each in text.upper() if each not in " :-.")
    if not plain or spelling.characters not in (0, len(plain)):
        return None
    match spelling.number_format:
        case "text":
            return plain
        case "hex":
            octets = _octets_of_hex(plain)
        case "decimal":
            octets = _octets_of_decimal(plain)
        case "wiegand-26" | "wiegand-34":
            octets = _octets_of_pair(plain, _FACILITY_BYTES[spelling.number_format])
    return None if octets is None else _finished(octets, spelling)


def _finished(octets: bytes, spelling: Spelling) -> str | None:
    ordered = octets[::-1] if spelling.byte_order == "reversed" else octets
    if len(ordered) < spelling.keep_bytes:
        return None
    return ordered[-spelling.keep_bytes :].hex().upper()  # -0: all of it


def _octets_of_hex(text: str) -> bytes | None:
    if len(text) % 2 or len(text) > 2 * MAX_BYTES or not _HEX_DIGITS.issuperset(text):
        return None
    return bytes.fromhex(text)


def _octets_of_decimal(text: str) -> bytes | None:
    if not (text.isascii() and text.isdecimal()) or len(text) > 2 * MAX_BYTES:
        return None
    number = int(text)
    return number.to_bytes(max(DECIMAL_BYTES, (number.bit_length() + 7) // 8), "big")


def _octets_of_pair(text: str, facility_bytes: int) -> bytes | None:
    """`142,27997`, or both in one with five digits for the second."""
    facility, comma, number = text.partition(",")
    if not comma:
        facility, number = text[:-_WIEGAND_NUMBER_DIGITS], text[-_WIEGAND_NUMBER_DIGITS:]
    if not all(part.isascii() and part.isdecimal() for part in (facility, number)):
        return None
    if int(facility) >= 1 << 8 * facility_bytes or int(number) >= 1 << 16:
        return None
    return int(facility).to_bytes(facility_bytes, "big") + int(number).to_bytes(2, "big")


def _octets_of_bits(bits: str, spelling: Spelling) -> bytes | None:
    wanted = _WIEGAND_BITS.get(spelling.number_format)
    if wanted is not None:
        middle = wanted // 2
        even, odd = bits[:middle].count("1"), bits[middle:].count("1")
        if len(bits) != wanted or even % 2 or not odd % 2:
            return None
        bits = bits[1:-1]
    if not bits or len(bits) % 8 or len(bits) > 8 * MAX_BYTES:
        return None
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def wiegand_bits(octets: bytes) -> CardBits:
    """3 or 4 bytes as Wiegand 26 or 34 with both parities, for the simulator."""
    bits = "".join(f"{octet:08b}" for octet in octets)
    middle = len(bits) // 2
    even = bits[:middle].count("1") % 2
    odd = 1 - bits[middle:].count("1") % 2
    return CardBits(bits=f"{even}{bits}{odd}")


def written(uid: str, spelling: Spelling, *, as_text: bool) -> bytes | str:
    """What a reader that writes as `spelling` sends for the card `uid`, for the simulator.

    Raises:
        ValueError: it cannot write such a number.
    """
    if spelling.number_format == "text":
        return uid
    octets = bytes.fromhex(uid)
    if spelling.byte_order == "reversed":
        octets = octets[::-1]
    if not as_text:
        return octets
    match spelling.number_format:
        case "hex":
            return octets.hex().upper()
        case "decimal":
            digits = str(int.from_bytes(octets, "big"))
            return digits.zfill(spelling.characters or 10)
        case "wiegand-26" | "wiegand-34":
            split = _FACILITY_BYTES[spelling.number_format]
            if len(octets) != split + 2:
                raise ValueError(f"{spelling.number_format} cannot carry {uid}")
            facility, number = octets[:split], octets[split:]
            widest = 3 if split == 1 else 5
            pair = (int.from_bytes(facility, "big"), int.from_bytes(number, "big"))
            return f"{pair[0]:0{widest}},{pair[1]:05}"
