"""Readers and scanners that send text and a line end: ACG text mode, QR and bar code scanners.

    [STX]  text  CR [LF] | LF | ETX

The text is printable ASCII. There is no sum, and without STX nothing says where a text begins: what
is damaged on the wire is another text. The driver reads only texts of the form and length that the
lane file gives; what must not be wrong comes from a card with a sum.

A line with a byte in it that is not printable, and one that is too long, is dropped whole. The
defaults of such scanners (9600 or 115200 baud, CR LF) are general knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.framing import KeptBytes

STX = 0x02
_ENDS = frozenset(b"\r\n\x03")
MAX_TEXT_BYTES = 512
MAX_FRAME_BYTES = MAX_TEXT_BYTES + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFrame:
    """One line: 1 to 512 printable characters."""

    text: str


class Lines(KeptBytes):
    """Decoder of the lines. Fed by one thread; keeps at most 512 bytes.

    The LF of a CR LF counts as discarded.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_spoiled = False  # until the next line end or STX

    def feed(self, chunk: bytes) -> list[LineFrame]:
        """Take any number of bytes and return the lines that they complete. Never raises."""
        frames: list[LineFrame] = []
        for byte in chunk:
            if byte in _ENDS:
                frames += self._finish()
            elif byte == STX:
                self._drop()
            elif self._is_spoiled or not 0x20 <= byte < 0x7F:
                self._drop()
                self._is_spoiled = True
            else:
                self._append(byte)
        return frames

    def _append(self, byte: int) -> None:
        if len(self._pending) == MAX_TEXT_BYTES:
            self._drop()
            self._is_spoiled = True
            return
        self._pending.append(byte)

    def _drop(self) -> None:
        """Forget the line so far and the byte at hand."""
        self._discarded_bytes += len(self._pending) + 1
        self._pending.clear()
        self._is_spoiled = False

    def _finish(self) -> list[LineFrame]:
        if not self._pending:
            self._drop()
            return []
        text = self._pending.decode("ascii")
        self._pending.clear()
        return [LineFrame(text=text)]


def encode(frame: LineFrame) -> bytes:
    """The line of `frame`, ended by CR.

    Raises:
        ValueError: the text is empty, too long or not printable ASCII.
    """
    text = frame.text
    if not (text.isascii() and text.isprintable() and 1 <= len(text) <= MAX_TEXT_BYTES):
        raise ValueError(f"a line cannot carry {frame}")
    return text.encode("ascii") + b"\r"
