"""How fast bytes come down a serial line: at its baud rate, and a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.clock import Clock

BITS_PER_BYTE = 10  # start, eight data, stop
PIECE_BYTES = 8  # what a UART's interrupt hands over at once: frames arrive in pieces


def pieces_in_time(payload: bytes, *, baud: int, clock: Clock) -> Iterator[bytes]:
    """Each piece of `payload` once its last bit has come."""
    for start in range(0, len(payload), PIECE_BYTES):
        piece = payload[start : start + PIECE_BYTES]
        clock.sleep(len(piece) * BITS_PER_BYTE / baud)
        yield piece
