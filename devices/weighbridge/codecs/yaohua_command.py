"""Yaohua XK3190 family, command mode: the indicator answers when it is asked by its address.

    request   02  address  command                       sum high  sum low  03
    reply     02  address  command  sign digits decimals  sum high  sum low  03

Address `A`..`Z` is the indicator's number 1..26. The sum is the XOR of address up to the last
byte before it, spelled as in the continuous frame; both spellings are read. Commands: `A`
handshake (no data), `B` gross, `C` tare, `D` net (sign, six digits, decimals). A command that
the indicator does not know is answered with 04 in the command's place (DS1). Sources: manuals of
XK3190-A9+, -DS1 and -DS3; the worked request `02 41 41 30 30 03` is the DS1 manual's.

We ask for gross, so that a tare key pressed by a driver changes nothing. Replies of other
addresses on the same RS-485 pair are not ours and give nothing.
"""

from __future__ import annotations

from functools import partial

from devices.framing import FrameDecoder, FrameScanner
from devices.weighbridge.codecs.yaohua import (
    ETX,
    STX,
    has_sum,
    is_carried,
    sum_text,
    value_of,
    value_text,
)
from devices.weighbridge.indication import (
    Answer,
    Heard,
    IndicatorFrame,
    IndicatorProtocol,
    Kind,
    Poll,
    refuse,
)

REPLY_BYTES = 14
HANDSHAKE_BYTES = 6
UNKNOWN = 0x04
HANDSHAKE = Answer(text="handshake")
REFUSAL = Answer(text="unknown command")
ANSWERS = {ord("A"): HANDSHAKE, UNKNOWN: REFUSAL}
KINDS = {ord("B"): Kind.GROSS, ord("C"): Kind.TARE, ord("D"): Kind.NET}


def request(address: int, command: str) -> bytes:
    """The request `command` (one letter) to the indicator numbered `address` (1..26)."""
    return _packet(address, command.encode("ascii"))


def decoder(address: int) -> FrameDecoder[Heard]:
    """A decoder of what the indicator numbered `address` (1..26) replies. Fed by one thread."""
    parse = partial(_parse, chr(0x40 + address).encode("ascii"))
    return FrameScanner(start=STX, end=ETX, max_bytes=REPLY_BYTES, parse=parse)


def encode(address: int, frame: Heard) -> bytes:
    """The reply that says `frame`.

    Raises:
        ValueError: no reply can say it.
    """
    if isinstance(frame, Answer):
        for command, answer in ANSWERS.items():
            if frame == answer:
                return _packet(address, bytes((command,)))
        raise refuse(frame, "a reply")
    digits, decimals = frame.digits, frame.decimals
    plain = IndicatorFrame(digits=digits, decimals=decimals, kind=frame.kind)
    if frame != plain or digits is None or not is_carried(digits, decimals):
        raise refuse(frame, "a reply")
    for command, kind in KINDS.items():
        if kind is frame.kind:
            return _packet(address, bytes((command,)) + value_text(digits, decimals))
    raise refuse(frame, "a reply")


def _packet(address: int, content: bytes) -> bytes:
    if not 1 <= address <= 26:
        raise ValueError(f"an indicator's number is 1 to 26, not {address}")
    body = bytes((0x40 + address,)) + content
    return bytes((STX, *body, *sum_text(body), ETX))


def _parse(address: bytes, candidate: bytes) -> Heard | None:
    body, sums = candidate[1:-3], candidate[-3:-1]
    if len(candidate) not in (HANDSHAKE_BYTES, REPLY_BYTES) or body[:1] != address:
        return None
    if not has_sum(body, sums):
        return None
    if len(candidate) == HANDSHAKE_BYTES:
        return ANSWERS.get(body[1])
    kind, value = KINDS.get(body[1]), value_of(body[2:])
    if kind is None or value is None:
        return None
    return IndicatorFrame(digits=value.digits, decimals=value.decimals, kind=kind)


def _is_handshake(heard: Heard) -> bool:
    return heard == HANDSHAKE


def protocol(address: int) -> IndicatorProtocol:
    """The protocol with the indicator numbered `address` (1..26)."""
    return IndicatorProtocol(
        name="yaohua-command",
        has_sum=True,
        make_decoder=partial(decoder, address),
        encode=partial(encode, address),
        max_frame_bytes=REPLY_BYTES,
        rest=IndicatorFrame(digits=0, kind=Kind.GROSS),
        poll=Poll(
            ask=request(address, "B"),
            check=request(address, "A"),
            is_checked=_is_handshake,
            reply=HANDSHAKE,
        ),
    )
