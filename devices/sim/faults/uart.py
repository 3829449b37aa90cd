"""What a serial receiver makes of bytes that were sent with other settings. Pure.

A byte on the wire is a waveform: line high at rest, one start bit low, data bits from the least
significant, perhaps a parity bit, one stop bit high. A receiver knows nothing but the falling
edge and its own bit time: it samples the middle of each bit it expects. So a wrong baud rate, a
parity that only one side has, and two wires swapped are not random noise: each gives its own
bytes, and those are what a technician sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

REST_BITS = 2  # of the line between two bytes, so that a receiver that lost step finds it again


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """How one end of a line sends and hears: bits a second, data bits, even parity or none."""

    baud: int
    data_bits: int = 8
    even_parity: bool = False


def heard(payload: bytes, *, sent: Framing, read: Framing, swapped: bool = False) -> bytes:
    """The bytes that a receiver set to `read` hears of `payload` sent with `sent`.

    `swapped`: the two wires of the pair are exchanged, so that the line is upside down. A byte
    without its stop bit is heard as 0, as Linux hands it over.
    """
    levels = [level != swapped for level in _waveform(payload, sent)]
    return _sampled(levels, Fraction(sent.baud, read.baud), read, rest=not swapped)


def _waveform(payload: bytes, sent: Framing) -> list[bool]:
    """The line's level in each of the sender's bit times, with some rest before and after."""
    levels = [True] * REST_BITS
    for byte in payload:
        bits = [bool(byte >> bit & 1) for bit in range(sent.data_bits)]
        parity = [sum(bits) % 2 == 1] if sent.even_parity else []
        levels += [False, *bits, *parity, True]
        if not sent.even_parity and sent.data_bits < 8:
            levels.append(True)
    return levels + [True] * REST_BITS


def _sampled(levels: list[bool], step: Fraction, read: Framing, *, rest: bool) -> bytes:
    """Sample the line every `step` of the sender's bits; `rest` is its level at rest."""
    bits_each = read.data_bits + read.even_parity
    found = bytearray()
    at = Fraction(0)

    def level(moment: Fraction) -> bool:
        index = int(moment)
        return levels[index] if index < len(levels) else rest

    while (start := _falling_edge(levels, at)) is not None:
        samples = [level(start + step * (2 * bit + 3) / 2) for bit in range(bits_each + 1)]
        has_stop = samples[-1]
        data = samples[: read.data_bits]
        found.append(sum(on << bit for bit, on in enumerate(data)) if has_stop else 0)
        at = start + step * (2 * bits_each + 3) / 2
    return bytes(found)


def _falling_edge(levels: list[bool], after: Fraction) -> Fraction | None:
    """When the line next goes low at or after `after`; None where it does not any more."""
    first = max(1, -int(-after // 1))
    for index in range(first, len(levels)):
        if levels[index - 1] and not levels[index]:
            return Fraction(index)
    return None
