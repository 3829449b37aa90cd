"""A contactless card for PC/SC without hardware: laid on the virtual reader of vsmartcard (vpcd).

pcscd's vpcd driver listens on a TCP port; who connects is the card in its reader. A message is its
length in two bytes, high first, and so many bytes: one byte is power off, on, reset or "ATR?", more
is a command for the card. Source: the documentation of vsmartcard.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from devices.card_reader import apdu
from devices.card_reader.customs_card import BLOCK_BYTES, blocks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

VPCD_PORT = 0x8C7B
ATR = bytes.fromhex("3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A")
"""That of a MIFARE Classic card behind a PC/SC reader."""
ASK_ATR = 0x04
REFUSED, NO_SUCH = b"\x63\x00", b"\x6a\x82"


class VirtualCard:
    """A MIFARE Classic card with `uid`, one `key` for all sectors, and texts in its blocks.

    `texts` are fields with the first block and the text of each. Laid down by `lay`, taken away by
    `take`; leaves no thread or socket.
    """

    def __init__(
        self,
        uid: bytes,
        *,
        key: bytes = b"\xff" * apdu.KEY_BYTES,
        texts: Mapping[str, tuple[int, str]] | None = None,
        port: int = VPCD_PORT,
    ) -> None:
        self._uid = uid
        self._key = key
        self._port = port
        self._blocks = _blocks(texts or {})
        self._loaded = b""
        self._opened: int | None = None  # the block whose sector was opened
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def lay(self) -> None:
        """Lay it on the reader. Raises OSError when no vpcd listens."""
        self._socket = socket.create_connection(("127.0.0.1", self._port), 5.0)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._serve, name="virtual-card", daemon=True)
        self._thread.start()

    def take(self) -> None:
        """Take it away. May be called twice."""
        wire, self._socket = self._socket, None
        if wire is not None:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        if wire is not None:
            wire.close()

    def _serve(self) -> None:
        wire = self._socket
        with contextlib.suppress(OSError):
            while wire is not None and (message := _received(wire)):
                if message == bytes((ASK_ATR,)):
                    _send(wire, ATR)
                elif len(message) > 1:
                    _send(wire, self.answer(message))

    def answer(self, command: bytes) -> bytes:
        """What the card and its reader answer to `command`."""
        if command == apdu.GET_UID:
            return self._uid + apdu.DONE
        match command[1]:
            case 0x82:
                self._loaded = command[5:]
                return apdu.DONE
            case 0x86:
                self._opened = command[7] if self._loaded == self._key else None
                return apdu.DONE if self._opened is not None else REFUSED
            case 0xB0:
                if self._opened != command[3]:
                    return REFUSED
                return self._blocks.get(command[3], bytes(BLOCK_BYTES)) + apdu.DONE
            case _:
                return NO_SUCH


def _blocks(texts: Mapping[str, tuple[int, str]]) -> dict[int, bytes]:
    blocks: dict[int, bytes] = {}
    for field, (first, text) in texts.items():
        places = blocks_of(field, first)
        content = text.encode("gb18030").ljust(BLOCK_BYTES * len(places), b"\x00")
        for number, place in enumerate(places):
            blocks[place] = content[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
    return blocks


def _received(wire: socket.socket) -> bytes:
    head = _exactly(wire, 2)
    return _exactly(wire, int.from_bytes(head, "big")) if head else b""


def _exactly(wire: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        chunk = wire.recv(count - len(received))
        if not chunk:
            return b""
        received += chunk
    return received


def _send(wire: socket.socket, message: bytes) -> None:
    wire.sendall(len(message).to_bytes(2, "big") + message)
