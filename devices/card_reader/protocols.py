"""Driver name in a lane file -> protocol of readers that send a number by themselves.

A new one is a codec file and one entry here: `devices/registry.py` makes a driver of it,
`devices/sim` a simulator, `hil_tests/fuzz/codecs.py` holds it to the laws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from devices.card_reader.codecs import acg, em4100, lines, stx_len
from devices.card_reader.numbers import Spelling
from devices.errors import DeviceConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.card_reader.numbers import CardNumber
    from devices.config import CardReaderConfig, NumberFormat
    from devices.framing import FrameDecoder

F = TypeVar("F")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardProtocol:
    """One protocol.

    `packet_of` is the way back, from octets or text as they stand on the wire. `formats` are the
    number formats that make sense with it, the usual one first; `is_text`: it sends text.
    """

    name: str
    make_decoder: Callable[[], FrameDecoder[CardNumber]]
    packet_of: Callable[[bytes | str], bytes]
    formats: tuple[NumberFormat, ...]
    is_text: bool = False


class _Numbers(Generic[F]):
    """A codec's decoder, of whose frames only the numbers are wanted."""

    def __init__(self, frames: FrameDecoder[F], number_of: Callable[[F], CardNumber]) -> None:
        self._frames = frames
        self._number_of = number_of

    @property
    def discarded_bytes(self) -> int:
        return self._frames.discarded_bytes

    @property
    def pending_bytes(self) -> int:
        return self._frames.pending_bytes

    def feed(self, chunk: bytes) -> list[CardNumber]:
        return [self._number_of(frame) for frame in self._frames.feed(chunk)]


def _octets(number: bytes | str) -> bytes:
    return bytes.fromhex(number) if isinstance(number, str) else number


def _stx_len_packet(number: bytes | str) -> bytes:
    card = stx_len.CardType.MIFARE
    return stx_len.encode(stx_len.CardFrame(card_type=card, batch=0, serial=_octets(number)))


def _em4100_packet(number: bytes | str) -> bytes:
    padded = _octets(number).rjust(em4100.NUMBER_BYTES, b"\x00")
    return em4100.encode(em4100.Em4100Frame(number=padded))


def _acg_packet(number: bytes | str) -> bytes:
    return acg.encode(acg.AcgFrame(station=1, number=_octets(number)))


def _line_packet(number: bytes | str) -> bytes:
    text = number if isinstance(number, str) else number.hex().upper()
    return lines.encode(lines.LineFrame(text=text)) + b"\n"


STX_LEN = CardProtocol(
    name="stx-len-uid",
    make_decoder=lambda: _Numbers(stx_len.StxLen(), lambda frame: frame.serial),
    packet_of=_stx_len_packet,
    formats=("hex",),
)
EM4100 = CardProtocol(
    name="em4100-ascii",
    make_decoder=lambda: _Numbers(em4100.Em4100(), lambda frame: frame.number),
    packet_of=_em4100_packet,
    formats=("hex",),
)
ACG = CardProtocol(
    name="acg-frame",
    make_decoder=lambda: _Numbers(acg.Acg(), lambda frame: frame.number),
    packet_of=_acg_packet,
    formats=("hex",),
)
ACG_LINE = CardProtocol(
    name="acg-ascii",
    make_decoder=lambda: _Numbers(lines.Lines(), lambda frame: frame.text),
    packet_of=_line_packet,
    formats=("hex", "decimal", "wiegand-26", "wiegand-34"),
    is_text=True,
)
QR_LINE = CardProtocol(
    name="qr-line",
    make_decoder=lambda: _Numbers(lines.Lines(), lambda frame: frame.text),
    packet_of=_line_packet,
    formats=("text", "hex", "decimal"),
    is_text=True,
)

PROTOCOLS: Mapping[str, CardProtocol] = {
    protocol.name: protocol for protocol in (STX_LEN, EM4100, ACG, ACG_LINE, QR_LINE)
}


def spelling_of(config: CardReaderConfig, formats: tuple[NumberFormat, ...]) -> Spelling:
    """How the reader of `config` writes numbers, `formats[0]` where its table does not say.

    Raises:
        DeviceConfigError: its table names a format that its protocol does not have.
    """
    number_format = config.number_format or formats[0]
    if number_format not in formats:
        raise DeviceConfigError(
            f"card_reader.number_format: {number_format!r} does not go with {config.driver!r}, "
            f"which has {', '.join(formats)}"
        )
    return Spelling(
        number_format=number_format,
        byte_order=config.byte_order,
        characters=config.characters,
        keep_bytes=config.keep_bytes,
    )
