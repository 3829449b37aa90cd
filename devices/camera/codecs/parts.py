"""The parts of an HTTP body: one, or those of a `multipart/form-data`. Never raises.

    --AaB03x CRLF
    Content-Disposition: form-data; name="anpr.xml"; filename="anpr.xml" CRLF
    Content-Type: application/xml CRLF CRLF
    <EventNotificationAlert ...> CRLF
    --AaB03x--

Some cameras leave out the closing line, indent with spaces or begin with an empty line: all are
read. A part without a head is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.readings import Recognition

PARTS_MAX = 16
JPEG_START = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
_BOUNDARY = re.compile(r"""boundary="?([^";,\s]{1,70})"?""", re.IGNORECASE)
_NAME = re.compile(rb"""\bname="?([^";\r\n]{1,100})"?""", re.IGNORECASE)
_FILE = re.compile(rb"""\bfilename="?([^";\r\n]{1,100})"?""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `name` is its file's name, or its field's, in lower case; "" for a plain body."""

    name: str
    content: bytes = field(repr=False)

    @property
    def is_jpeg(self) -> bool:
        """Whether a whole JPEG is in it."""
        return self.content.startswith(JPEG_START) and JPEG_END in self.content[-64:]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatePost:
    """What one make of camera posts, and what it is answered.

    `decode(content_type, body)` gives the reading, or None where there is none; it never raises.
    `encode(recognition)` gives content type and body.
    """

    decode: Callable[[str, bytes], Recognition | None]
    encode: Callable[[Recognition], tuple[str, bytes]]
    answer_type: str = "text/plain"
    answer: bytes = b""


def parts_of(content_type: str, body: bytes) -> tuple[Part, ...]:
    """The parts of a body, at most `PARTS_MAX`; a body that is not multipart is one."""
    if not content_type.lower().startswith("multipart/"):
        return (Part("", body),)
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return ()
    mark = b"--" + boundary[1].encode("ascii", "replace")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)[1 : PARTS_MAX + 1]
    found = (_part(piece) for piece in pieces)
    return tuple(part for part in found if part is not None)


def multipart(parts: tuple[tuple[str, str, bytes], ...]) -> tuple[str, bytes]:
    """Content type and body for (name, type, content) parts, as a camera sends them."""
    mark = "kakou-simulated-camera"
    pieces = []
    for name, kind, content in parts:
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
            f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        pieces.append(head.encode("ascii") + content + b"\r\n")
    return f"multipart/form-data; boundary={mark}", b"".join(pieces) + f"--{mark}--\r\n".encode()


def _part(piece: bytes) -> Part | None:
    if piece.startswith(b"--"):  # the closing line
        return None
    head, blank, content = piece.partition(b"\r\n\r\n")
    if not blank:
        return None
    named = _FILE.search(head) or _NAME.search(head)
    return Part(named[1].decode("utf-8", "replace").lower() if named else "", content)
