"""What a Hikvision camera posts to its "HTTP listening host": an ANPR event, ISAPI.

`multipart/form-data` with `anpr.xml` and pictures, or the XML alone. The XML's root is
`EventNotificationAlert`, whatever its namespace; `eventType` is `ANPR`; the plate is `licensePlate`
and its confidence `confidenceLevel`, 0 to 100, both inside `ANPR` (older firmware: at the root).
`licensePlatePicture.jpg` is the plate, `detectionPicture.jpg` the whole picture. Other events on
the same address (heartbeats, video loss) are no readings.

Source: the maker's public ISAPI documents, and agreeing published captures. The answer is an
empty 200.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html import escape
from typing import TYPE_CHECKING

from devices.camera.codecs.parts import PlatePost, multipart, parts_of
from devices.readings import Recognition

if TYPE_CHECKING:
    from devices.camera.codecs.parts import Part

NO_PLATE = frozenset({"", "unknown", "noplate", "无车牌"})
_XML_MAX = 256_000


def decode(content_type: str, body: bytes) -> Recognition | None:
    """The reading in a post, or None: another event, or nothing that can be read."""
    parts = parts_of(content_type, body)
    for part in parts:
        root = _root(part.content)
        if root is not None and _text(root, "eventType").upper() == "ANPR":
            return _recognition(root, parts)
    return None


def encode(recognition: Recognition) -> tuple[str, bytes]:
    """Content type and body of a post, for the simulator and the laws."""
    text = escape(recognition.text or "unknown")
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">\n'
        "<channelID>1</channelID><eventType>ANPR</eventType><eventState>active</eventState>\n"
        f"<ANPR><licensePlate>{text}</licensePlate><line>1</line>"
        f"<confidenceLevel>{recognition.confidence_permille // 10}</confidenceLevel></ANPR>\n"
        "</EventNotificationAlert>\n"
    )
    pictures = (
        ("licensePlatePicture.jpg", "image/jpeg", recognition.plate_picture),
        ("detectionPicture.jpg", "image/jpeg", recognition.picture),
    )
    sent = tuple((name, kind, jpeg) for name, kind, jpeg in pictures if jpeg is not None)
    return multipart((("anpr.xml", 'application/xml; charset="UTF-8"', xml.encode()), *sent))


def _root(content: bytes) -> ET.Element | None:
    text = content.strip()
    if len(text) > _XML_MAX or not text.startswith(b"<") or b"<!" in text:
        return None  # no document type: nothing in it may define what something else means
    try:
        root = ET.fromstring(text)  # noqa: S314 - see above
    except (ET.ParseError, ValueError, LookupError):  # LookupError: an encoding nobody knows
        return None
    return root if _local(root) == "EventNotificationAlert" else None


def _recognition(root: ET.Element, parts: tuple[Part, ...]) -> Recognition:
    text = _text(root, "licensePlate").replace(" ", "")
    jpegs = {part.name: part.content for part in parts if part.is_jpeg}
    plate = next((jpeg for name, jpeg in jpegs.items() if "licenseplate" in name), None)
    whole = next((jpeg for name, jpeg in jpegs.items() if "licenseplate" not in name), None)
    return Recognition(
        text="" if text.lower() in NO_PLATE else text,
        confidence_permille=_percent(_text(root, "confidenceLevel")) * 10,
        picture=whole,
        plate_picture=plate,
    )


def _percent(text: str) -> int:
    """0 to 100; what is no such number is 0: the camera is not sure."""
    is_number = text.isascii() and text.isdigit() and len(text) <= 3
    return int(text) if is_number and int(text) <= 100 else 0


def _text(root: ET.Element, name: str) -> str:
    """The text of the first element of that name, at any depth."""
    for element in root.iter():
        if _local(element) == name:
            return (element.text or "").strip()
    return ""


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


POST = PlatePost(decode=decode, encode=encode)
