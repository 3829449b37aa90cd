"""UHF readers of windshield tags: the UHFReader18 and ZK-RFID10x family, in answer mode.

    Len  Adr  Cmd           Data  CRC(2, low first)      the host's question
    Len  Adr  Cmd  Status   Data  CRC(2, low first)      the answer

Len counts everything but itself. CRC: polynomial 8408 reflected, start FFFF, no final XOR, over all
before it. An inventory (Cmd 01) is answered in one or more frames: Status 03 says that more follow;
Data is the number of tags, then for each the length of its EPC and the EPC. Layout from two
sources, with recomputed frames; status FB for "no tag" is general knowledge.

Active mode, in which the reader pushes frames with Cmd EE, is not read: no source shows their data.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.framing import LengthScanner

BROADCAST = 255  # the address that every reader hears
INVENTORY = 0x01
READER_INFO = 0x21
COMMANDS = frozenset({INVENTORY, READER_INFO})

DONE, TIMED_OUT, MORE_FOLLOWS, BUFFER_FULL, NO_TAG = 0x01, 0x02, 0x03, 0x04, 0xFB
CARRIES_TAGS = frozenset({DONE, TIMED_OUT, MORE_FOLLOWS, BUFFER_FULL})
ENDS_INVENTORY = frozenset({DONE, TIMED_OUT, BUFFER_FULL, NO_TAG})

MIN_LEN = 5  # Adr Cmd Status CRC CRC
MAX_LEN = 255  # what its one byte can say
MAX_FRAME_BYTES = MAX_LEN + 1
EPC_MAX_BYTES = 62


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return value


_CRC_OF = tuple(_crc_of_byte(byte) for byte in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAnswer:
    """One answer of the reader, its CRC checked; `content` is the data after the status."""

    address: int
    command: int
    status: int
    content: bytes = b""


class UhfReader18(LengthScanner[ReaderAnswer]):
    """Decoder of the answers. Fed by one thread; keeps at most 256 bytes."""

    def __init__(self) -> None:
        super().__init__(
            header=b"",
            prefix_bytes=3,
            total_bytes=_total_bytes,
            max_bytes=MAX_FRAME_BYTES,
            parse=_parse,
        )


def crc(message: bytes) -> int:
    """CRC-16/MCRF4XX."""
    value = 0xFFFF
    for byte in message:
        value = value >> 8 ^ _CRC_OF[(value ^ byte) & 0xFF]
    return value


def question(address: int, command: int) -> bytes:
    """A question without data to the reader with `address` (0..254, 255: whoever hears it)."""
    return _summed(bytes((4, address, command)))


def encode(answer: ReaderAnswer) -> bytes:
    """The frame of `answer`.

    Raises:
        ValueError: the content is too long, or the command is none that we read.
    """
    length = MIN_LEN + len(answer.content)
    if length > MAX_LEN or answer.command not in COMMANDS:
        raise ValueError(f"a frame cannot carry {answer}")
    head = bytes((length, answer.address, answer.command, answer.status))
    return _summed(head + answer.content)


def tags_in(answer: ReaderAnswer) -> tuple[bytes, ...]:
    """The EPCs of an inventory's answer; () when it carries none or they do not fill it."""
    if answer.command != INVENTORY or answer.status not in CARRIES_TAGS or not answer.content:
        return ()
    count, rest = answer.content[0], answer.content[1:]
    found: list[bytes] = []
    while rest:
        length = rest[0]
        if not 1 <= length <= EPC_MAX_BYTES or len(rest) <= length:
            return ()
        found.append(rest[1 : 1 + length])
        rest = rest[1 + length :]
    return tuple(found) if len(found) == count else ()


def inventory_answer(address: int, status: int, epcs: tuple[bytes, ...]) -> ReaderAnswer:
    """What a reader that sees `epcs` answers, for the simulator."""
    body = b"".join(bytes((len(epc),)) + epc for epc in epcs)
    content = bytes((len(epcs),)) + body if status in CARRIES_TAGS else b""
    return ReaderAnswer(address=address, command=INVENTORY, status=status, content=content)


def _summed(message: bytes) -> bytes:
    return message + crc(message).to_bytes(2, "little")


def _total_bytes(prefix: bytes) -> int | None:
    fits = MIN_LEN <= prefix[0] <= MAX_LEN and prefix[2] in COMMANDS
    return prefix[0] + 1 if fits else None


def _parse(candidate: bytes) -> ReaderAnswer | None:
    if crc(candidate[:-2]) != int.from_bytes(candidate[-2:], "little"):
        return None
    return ReaderAnswer(
        address=candidate[1],
        command=candidate[2],
        status=candidate[3],
        content=candidate[4:-2],
    )
