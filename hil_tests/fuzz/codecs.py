"""Every codec of `devices`, with what its laws and the fuzzer need to know of it.

A new codec adds one entry to `CODECS`, or to `posts.py`; a codec without one fails
`tests/property/test_codec_laws.py`. Nothing here needs more than Python itself, so that a bare
machine can fuzz.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.card_reader.codecs import acg, em4100, lines, osdp_packet, resident_id, stx_len
from devices.readings import WeightStatus
from devices.sign.codecs import led_64ff
from devices.tag_reader.codecs import uhf_reader18
from devices.weighbridge.codecs import sma
from devices.weighbridge.indication import Answer, IndicatorFrame, Kind, Unit
from devices.weighbridge.protocols import protocols

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from devices.framing import FrameDecoder
    from devices.weighbridge.indication import Heard


def as_sent(packet: bytes) -> bytes:
    """The one spelling of a packet that has only one."""
    return packet


def said_once(packet: bytes, _chance: random.Random) -> bytes:
    """A packet of which no other says the same."""
    return packet


def holds_its_packet(stream: bytes, frame: object, codec: CodecUnderLaw) -> bool:
    """Whether the packet of `frame` stands in `stream`, byte by byte."""
    return codec.encode(frame) in stream


@dataclass(frozen=True, kw_only=True)
class CodecUnderLaw:
    """One codec.

    `sample` makes one frame that `encode` can carry, from the chances it is handed.
    `max_frame_bytes` bounds what the decoder may keep. `checksum_at` are the places of a packet's
    checksum, counted from its end; () where the protocol has none, and then a damaged frame may
    give a wrong value: the settling rule is what stands against it. `spelled` brings packets
    that mean the same by the protocol (a sum in another spelling, a parity bit) to one form.
    `reworded` is another packet of the same frame: characters that it does not keep.
    `vouched` tells, by other means than the decoder's, whether a stream holds bytes with a good
    checksum that may say the frame: enough damage can make a good packet of another value.
    `separator` must stand between dirt and a frame so that the frame is found: a line of text
    begins with no byte of its own.
    """

    name: str
    module: str
    make_decoder: Callable[[], FrameDecoder[Any]]
    encode: Callable[[Any], bytes]
    sample: Callable[[random.Random], Any]
    max_frame_bytes: int
    checksum_at: tuple[int, ...]
    spelled: Callable[[bytes], bytes] = as_sent
    vouched: Callable[[bytes, Any, CodecUnderLaw], bool] = holds_its_packet
    separator: bytes = b""
    reworded: Callable[[bytes, random.Random], bytes] = said_once

    def packet(self, frame: object, chance: random.Random) -> bytes:
        """One of the packets that say `frame`."""
        return self.reworded(self.encode(frame), chance)


# --- indicators -----------------------------------------------------------------------------------

ADDRESS = 3
_BEYOND = (WeightStatus.OVERLOAD, WeightStatus.UNDERLOAD)
_STATUSES = (WeightStatus.OK, *_BEYOND, WeightStatus.NOT_ZEROED)


def _digits(chance: random.Random, places: int, *, signed: bool = True) -> int:
    """A number of up to `places` digits, of every length as often as of any other."""
    magnitude = chance.randrange(10 ** chance.randint(1, places))
    return -magnitude if signed and chance.random() < 0.5 else magnitude


def _yaohua(chance: random.Random) -> Heard:
    return IndicatorFrame(digits=_digits(chance, 6), decimals=chance.randint(0, 4))


def _yaohua_reply(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        return Answer(text=chance.choice(("handshake", "unknown command")))
    return IndicatorFrame(
        digits=_digits(chance, 6), decimals=chance.randint(0, 4), kind=chance.choice(tuple(Kind))
    )


def _equals(chance: random.Random) -> Heard:
    decimals = chance.randint(0, 4)
    return IndicatorFrame(digits=_digits(chance, 6 if decimals else 7), decimals=decimals)


def _a12(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        status = chance.choice(_BEYOND)
        return IndicatorFrame(digits=None, status=status)
    return IndicatorFrame(
        digits=_digits(chance, 5),
        decimals=chance.randint(0, 4),
        unit=Unit.KG,
        kind=chance.choice((Kind.GROSS, Kind.NET)),
    )


def _toledo(chance: random.Random) -> Heard:
    status = chance.choice((*_STATUSES, WeightStatus.DIVISION))
    digits = _digits(chance, 6)
    sign = {WeightStatus.OVERLOAD: 1, WeightStatus.UNDERLOAD: -1}.get(status)
    return IndicatorFrame(
        digits=digits if sign is None else sign * abs(digits),
        decimals=chance.randint(-2, 5),
        unit=chance.choice(tuple(Unit)),
        kind=chance.choice((Kind.GROSS, Kind.NET)),
        motion=chance.random() < 0.5,
        step=chance.choice((1, 2, 5)),
        status=status,
    )


def _mt_sics(chance: random.Random) -> Heard:
    match chance.randrange(6):
        case 0:
            return Answer(text=chance.choice(("S I", "TA I", "ES", "ET", "EL")))
        case 1:
            status = chance.choice(_BEYOND)
            return IndicatorFrame(digits=None, status=status)
        case _:
            motion = chance.choice((True, False, None))
            return IndicatorFrame(
                digits=_digits(chance, 6),
                decimals=chance.randint(0, 3),
                unit=chance.choice(tuple(Unit)),
                motion=motion,
                kind=Kind.TARE if motion is None else None,
            )


def _sma(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        return Answer(text=chance.choice(("?", "SMA:2/1.0", "SMA:1/1.0 A")))
    status = chance.choice((*_STATUSES, WeightStatus.ERROR))
    said = status is not WeightStatus.ERROR or chance.random() < 0.5
    return IndicatorFrame(
        digits=_digits(chance, 6) if said else None,
        decimals=chance.randint(0, 3) if said else 0,
        unit=chance.choice(tuple(Unit)),
        kind=chance.choice(tuple(Kind)),
        motion=chance.random() < 0.5,
        status=status,
    )


def _sma_reworded(packet: bytes, chance: random.Random) -> bytes:
    """With any range, at the center of zero where the status is blank, with either zero error."""
    said = bytearray(packet)
    if len(said) == sma.WEIGHT_BYTES and said[2:3].isdigit():
        said[1] = ord(chance.choice({" ": " Z", "I": "IE"}.get(chr(said[1]), chr(said[1]))))
        said[2] = ord(chance.choice("0123456789"))
    return bytes(said)


def _rinstrum_c_reworded(packet: bytes, chance: random.Random) -> bytes:
    """At the center of zero or not, without ranges or in one of two."""
    said = bytearray(packet)
    said[11], said[12] = ord(chance.choice(" Z")), ord(chance.choice("-12"))
    return bytes(said)


_RINSTRUM_FLAGS = (*_BEYOND, WeightStatus.ERROR)


def _rinstrum_a(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        return IndicatorFrame(digits=None, status=chance.choice(_RINSTRUM_FLAGS))
    kind = chance.choice((Kind.GROSS, Kind.NET, None))
    return IndicatorFrame(
        digits=_digits(chance, 5), decimals=chance.randint(0, 3), kind=kind, motion=kind is None
    )


def _rinstrum_c(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        return IndicatorFrame(digits=None, status=chance.choice(_RINSTRUM_FLAGS))
    return IndicatorFrame(
        digits=_digits(chance, 5),
        decimals=chance.randint(0, 3),
        unit=chance.choice((*Unit, None)),
        kind=chance.choice((Kind.GROSS, Kind.NET)),
        motion=chance.random() < 0.5,
    )


def _and_standard(chance: random.Random) -> Heard:
    if chance.random() < 0.2:
        return IndicatorFrame(digits=None, status=WeightStatus.OVERLOAD)
    return IndicatorFrame(
        digits=_digits(chance, 6),
        decimals=chance.randint(0, 4),
        unit=chance.choice(tuple(Unit)),
        kind=chance.choice(tuple(Kind)),
        motion=chance.random() < 0.5,
    )


def _yaohua_spelled(packet: bytes) -> bytes:
    """Write sums of the models that add 30h to every nibble as the others do."""
    sums = bytes(0x41 + char - 0x3A if 0x3A <= char <= 0x3F else char for char in packet[-3:-1])
    return packet[:-3] + sums + packet[-1:]


def _without_parity(packet: bytes) -> bytes:
    return bytes(byte & 0x7F for byte in packet)


def _windows(stream: bytes, lengths: tuple[int, ...]) -> Iterator[bytes]:
    for length in lengths:
        for at in range(len(stream) - length + 1):
            yield stream[at : at + length]


def _nibble(char: int) -> int:
    return char - 0x37 if char >= 0x41 else char - 0x30


def _xor_vouches(stream: bytes, _frame: object, codec: CodecUnderLaw) -> bool:
    """Some window of a Yaohua frame's length, in its brackets, with its XOR before the end."""
    for window in _windows(stream, (6, 12, 14)):
        total = 0
        for byte in window[1:-3]:
            total ^= byte
        stated = 16 * _nibble(window[-3]) + _nibble(window[-2])
        if (window[0], window[-1], stated) == (2, 3, total):
            return len(window) <= codec.max_frame_bytes
    return False


def _sum_vouches(stream: bytes, _frame: object, _codec: CodecUnderLaw) -> bool:
    """Some window of 18 bytes whose low seven bits add up to nothing."""
    windows = _windows(_without_parity(stream), (18,))
    return any(sum(w) % 128 == 0 and w[0] == 2 and w[16] == 13 for w in windows)


def _a12_vouches(stream: bytes, _frame: object, _codec: CodecUnderLaw) -> bool:
    """Some line of 15 characters with the XOR of its first eleven: `-0` is a zero, too."""
    return any(
        window[11:] == b"%02X\r\n" % functools.reduce(operator.xor, window[:11])
        for window in _windows(stream, (15,))
    )


_YAOHUA = {"spelled": _yaohua_spelled, "vouched": _xor_vouches}
_SEVEN_BITS = {"spelled": _without_parity}
# Protocol -> module of its codec, its frames, the places of its sum, and what is special: a sum
# that may be spelled otherwise; packets of which more than one can say the same frame.
_INDICATORS: dict[
    str, tuple[str, Callable[[random.Random], Heard], tuple[int, ...], dict[str, Any]]
] = {
    "yaohua-continuous": ("yaohua", _yaohua, (-3, -2), _YAOHUA),
    "yaohua-command": ("yaohua_command", _yaohua_reply, (-3, -2), _YAOHUA),
    "yaohua-equals-low-first": ("yaohua_equals", _equals, (), {}),
    "yaohua-equals-high-first": ("yaohua_equals", _equals, (), {}),
    "yaohua-a12": ("yaohua_a12", _a12, (-4, -3), {"vouched": _a12_vouches}),
    "toledo-continuous": ("toledo", _toledo, (), _SEVEN_BITS),
    "toledo-continuous-checksum": (
        "toledo", _toledo, (-1,), {**_SEVEN_BITS, "vouched": _sum_vouches},
    ),
    "mt-sics": ("mt_sics", _mt_sics, (), {}),
    "sma": ("sma", _sma, (), {"reworded": _sma_reworded}),
    "rinstrum-auto-a": ("rinstrum", _rinstrum_a, (), {}),
    "and-standard": ("and_standard", _and_standard, (), {}),
    "rinstrum-auto-c": ("rinstrum", _rinstrum_c, (), {"reworded": _rinstrum_c_reworded}),
}  # fmt: skip


def _indicators() -> Iterator[CodecUnderLaw]:
    """Every protocol that a lane file may name; one without an entry above is a KeyError."""
    for name, protocol in protocols(ADDRESS).items():
        module, sample, checksum_at, special = _INDICATORS[name]
        yield CodecUnderLaw(
            name=name,
            module=f"devices.weighbridge.codecs.{module}",
            make_decoder=protocol.make_decoder,
            encode=protocol.encode,
            sample=sample,
            max_frame_bytes=protocol.max_frame_bytes,
            checksum_at=checksum_at,
            **special,
        )


# --- card readers ---------------------------------------------------------------------------------


def _card_frame(chance: random.Random) -> stx_len.CardFrame:
    return stx_len.CardFrame(
        card_type=chance.choice(tuple(stx_len.CardType)),
        batch=chance.randrange(256),
        serial=chance.randbytes(chance.choice(stx_len.SERIAL_LENGTHS)),
    )


def _em4100(chance: random.Random) -> em4100.Em4100Frame:
    number = chance.randbytes(em4100.NUMBER_BYTES)
    return em4100.Em4100Frame(number=number, line_end=chance.random() < 0.5)


def _size(chance: random.Random, usual: tuple[int, ...], longest: int) -> int:
    """A usual size; one time in twenty any longer one, the longest as often as all the others."""
    if chance.random() >= 0.05:
        return chance.choice(usual)
    return longest if chance.random() < 0.5 else chance.randint(usual[-1] + 1, longest)


def _upper(packet: bytes) -> bytes:
    """Hex digits may come small: the only letters of the packet."""
    return packet.upper()


def _vouched_in_either_case(stream: bytes, frame: em4100.Em4100Frame, codec: CodecUnderLaw) -> bool:
    return holds_its_packet(stream.upper(), frame, codec)


def _acg(chance: random.Random) -> acg.AcgFrame:
    number = chance.randbytes(chance.choice(acg.NUMBER_LENGTHS))
    return acg.AcgFrame(station=chance.randrange(256), number=number)


def _line(chance: random.Random) -> lines.LineFrame:
    size = _size(chance, (1, 8, 10, 14, 40), lines.MAX_TEXT_BYTES)
    return lines.LineFrame(text="".join(chr(chance.randrange(0x20, 0x7F)) for _ in range(size)))


def _resident_id(chance: random.Random) -> resident_id.SamFrame:
    status = chance.choice(tuple(resident_id.Status))
    sizes = sorted(resident_id.content_bytes(status))
    # A whole card takes the decoder a hundred times as long as the others: one of fifty.
    size = chance.choice([size for size in sizes if size < 100 or chance.random() < 0.05])
    return resident_id.SamFrame(status=status, content=chance.randbytes(size))


def _board_frame(chance: random.Random) -> led_64ff.BoardFrame:
    text = bytes(chance.randrange(256) for _ in range(chance.randrange(40)))
    line = chance.choice((None, 0, 1, 2, 3))
    return led_64ff.BoardFrame(address=0, line=line, text=text)


def _crc_vouches(stream: bytes, _frame: object, _codec: CodecUnderLaw) -> bool:
    """Some frame with a good CRC: the board skips fields, so many frames say the same."""
    at = stream.find(led_64ff.HEADER)
    while at > 0:
        size = 5 + stream[at + 4] if at + 4 < len(stream) else 0
        body, told = stream[at - 1 : at + size], stream[at + size : at + size + 2]
        if size and led_64ff.crc(body).to_bytes(2, "little") == told:
            return True
        at = stream.find(led_64ff.HEADER, at + 1)
    return False


_OSDP_CONTENT_MAX = osdp_packet.MAX_PACKET_BYTES - osdp_packet.HEAD_BYTES - osdp_packet.CRC_BYTES


def _osdp_packet(chance: random.Random) -> osdp_packet.OsdpPacket:
    return osdp_packet.OsdpPacket(
        address=chance.randrange(256),
        control=osdp_packet.HAS_CRC | chance.randrange(4) | chance.choice((0, 8)),
        content=chance.randbytes(_size(chance, (1, 3, 8, 15, 40), _OSDP_CONTENT_MAX)),
    )


# --- tag readers ----------------------------------------------------------------------------------


def _inventory(chance: random.Random) -> uhf_reader18.ReaderAnswer:
    if chance.random() < 0.2:
        return uhf_reader18.ReaderAnswer(
            address=chance.randrange(256),
            command=uhf_reader18.READER_INFO,
            status=0,
            content=chance.randbytes(8),
        )
    epcs = _epcs(chance)
    statuses = sorted(uhf_reader18.CARRIES_TAGS if epcs else uhf_reader18.ENDS_INVENTORY)
    return uhf_reader18.inventory_answer(chance.randrange(255), chance.choice(statuses), epcs)


def _epcs(chance: random.Random) -> tuple[bytes, ...]:
    """Most often up to three of twelve bytes; else of any length, or as many as a frame takes."""
    room = uhf_reader18.MAX_LEN - uhf_reader18.MIN_LEN - 1
    kind = chance.random()
    if kind < 0.8:
        return tuple(chance.randbytes(12) for _ in range(chance.randrange(4)))
    if kind < 0.9:
        return tuple(chance.randbytes(12) for _ in range(chance.randint(4, room // 13)))
    sizes = (chance.randint(1, uhf_reader18.EPC_MAX_BYTES) for _ in range(chance.randint(1, 3)))
    return tuple(chance.randbytes(size) for size in sizes)


# --- all ------------------------------------------------------------------------------------------


def _codec(
    name: str,
    module: ModuleType,
    make_decoder: Callable[[], FrameDecoder[Any]],
    sample: Callable[[random.Random], Any],
    max_frame_bytes: int,
    checksum_at: tuple[int, ...] = (),
    **further: Any,  # noqa: ANN401 - fields of `CodecUnderLaw`
) -> CodecUnderLaw:
    """A codec whose module has its `encode`."""
    return CodecUnderLaw(
        name=name,
        module=module.__name__,
        make_decoder=make_decoder,
        encode=module.encode,
        sample=sample,
        max_frame_bytes=max_frame_bytes,
        checksum_at=checksum_at,
        **further,
    )


_CRC = (-2, -1)
# fmt: off
CODECS: tuple[CodecUnderLaw, ...] = (
    *_indicators(),
    _codec("stx-len-uid", stx_len, stx_len.StxLen, _card_frame, stx_len.MAX_FRAME_BYTES, (-2,)),
    _codec("em4100-ascii", em4100, em4100.Em4100, _em4100, em4100.MAX_FRAME_BYTES, (-3, -2),
           spelled=_upper, vouched=_vouched_in_either_case),
    _codec("acg-frame", acg, acg.Acg, _acg, acg.MAX_FRAME_BYTES, (-2,)),
    _codec("card-lines", lines, lines.Lines, _line, lines.MAX_FRAME_BYTES, separator=b"\r"),
    _codec("resident-id", resident_id, resident_id.SamAnswers, _resident_id,
           resident_id.MAX_FRAME_BYTES, (-1,)),
    _codec("osdp-packet", osdp_packet, osdp_packet.OsdpPackets, _osdp_packet,
           osdp_packet.MAX_PACKET_BYTES, _CRC),
    _codec("uhf-reader18", uhf_reader18, uhf_reader18.UhfReader18, _inventory,
           uhf_reader18.MAX_FRAME_BYTES, _CRC),
    _codec("led-64ff", led_64ff, lambda: led_64ff.Receiver(0), _board_frame,
           led_64ff.FRAME_MAX_BYTES, _CRC, vouched=_crc_vouches),
)
# fmt: on
