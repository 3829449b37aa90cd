"""JPEGs as RTP carries them (RFC 2435): the scan, and its quantization tables before it.

The far end makes a JPEG of it again, with the Huffman tables that the RFC names. So only pictures
of one kind can be carried: baseline, three components at 4:2:2 or 4:2:0, the usual Huffman tables,
no side above 2040 px, both multiples of 8. `fit_for_rtp` makes of any picture one of those.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

PAYLOAD_TYPE = 26
CLOCK_HZ = 90_000
PIECE_BYTES = 1_400  # of a scan in one packet, as cameras do that must fit an Ethernet frame
QUALITY = 90
SIDE_MAX_PX = 2_040
BLOCK_PX = 8
TABLES_FOLLOW = 255  # the "Q" of a picture whose tables come with it
SOI, EOI = b"\xff\xd8", b"\xff\xd9"
PADDING = b"\x00\r\n"
SOF0, DHT, DQT, DRI, SOS = 0xC0, 0xC4, 0xDB, 0xDD, 0xDA
_KINDS = {0x21: 0, 0x22: 1}  # sampling of the first component: the "type" of RFC 2435
_CHROMA = bytes((0x11, 1))  # not sampled, by the second table
_FRAME_BYTES = 15
_DQT_BYTES = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegScan:
    """What RTP carries of a JPEG. `tables` are both quantization tables.

    `is_whole`: it has its end. A picture that has not is sent without one, too.
    """

    kind: int
    width_px: int
    height_px: int
    tables: bytes
    scan: bytes
    is_whole: bool


def scan_of(jpeg: bytes) -> JpegScan | None:
    """The parts of `jpeg` that RTP carries; None where it cannot carry it, or it is none."""
    segments = dict(_segments(jpeg))
    frame, scan = segments.get(SOF0, b""), segments.get(SOS, b"")
    tables = segments.get(DQT, b"")
    if len(frame) != _FRAME_BYTES or not scan or not _is_usual(segments):
        return None
    kind = _KINDS.get(frame[7])
    height_px, width_px = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if kind is None or frame[8] or frame[10:12] != _CHROMA or frame[13:15] != _CHROMA:
        return None
    if not (_fits(width_px) and _fits(height_px)):
        return None
    stripped = scan.rstrip(PADDING)
    is_whole = stripped.endswith(EOI)
    return JpegScan(
        kind=kind,
        width_px=width_px,
        height_px=height_px,
        tables=tables[1:_DQT_BYTES] + tables[_DQT_BYTES + 1 :],
        scan=stripped.removesuffix(EOI) if is_whole else scan,
        is_whole=is_whole,
    )


def fit_for_rtp(jpeg: bytes) -> JpegScan | None:
    """`jpeg` as it is, or drawn anew as a picture that RTP can carry; None where it is no picture.

    A picture without its end is never drawn anew: it would have one then.
    """
    scan = scan_of(jpeg)
    if scan is not None or not jpeg.rstrip(PADDING).endswith(EOI):
        return scan
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return None
    height_px, width_px = image.shape[:2]
    factor = min(1.0, SIDE_MAX_PX / max(height_px, width_px))
    size = (_blocks(width_px * factor), _blocks(height_px * factor))
    if size != (width_px, height_px):
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return scan_of(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())


def payloads(scan: JpegScan) -> Iterator[bytes]:
    """The payloads of the packets of one picture, in order."""
    shape = bytes((scan.width_px // BLOCK_PX, scan.height_px // BLOCK_PX))
    tables = b"\x00\x00" + len(scan.tables).to_bytes(2, "big") + scan.tables
    for start in range(0, len(scan.scan), PIECE_BYTES):
        head = start.to_bytes(4, "big") + bytes((scan.kind, TABLES_FOLLOW)) + shape
        yield head + (b"" if start else tables) + scan.scan[start : start + PIECE_BYTES]


def _segments(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment, those of one kind in one; of the scan all that follows.

    Ends early where it is no JPEG.
    """
    if not jpeg.startswith(SOI):
        return
    found: dict[int, bytes] = {}
    at = len(SOI)
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        content = jpeg[at + 4 : at + 2 + length]
        found[marker] = found.get(marker, b"") + content
        at += 2 + length
        if marker == SOS:
            found[SOS] = jpeg[at:]
            break
    yield from found.items()


def _is_usual(segments: dict[int, bytes]) -> bool:
    """Whether its tables are those that the far end has or can be told, and nothing else is."""
    tables = segments.get(DQT, b"")
    is_told = len(tables) == 2 * _DQT_BYTES and (tables[0], tables[_DQT_BYTES]) == (0, 1)
    return is_told and DRI not in segments and segments.get(DHT) == _usual_huffman()


@functools.cache
def _usual_huffman() -> bytes:
    """The Huffman tables of every JPEG whose maker did not compute its own."""
    blank = np.zeros((BLOCK_PX, BLOCK_PX, 3), dtype=np.uint8)
    return dict(_segments(cv2.imencode(".jpg", blank)[1].tobytes()))[DHT]


def _fits(side_px: int) -> bool:
    return 0 < side_px <= SIDE_MAX_PX and side_px % BLOCK_PX == 0


def _blocks(side_px: float) -> int:
    return max(1, round(side_px / BLOCK_PX)) * BLOCK_PX
