"""The `AlarmInfoPlate` post of the parking cameras that 臻识 and its many resellers build. JSON.

    {"AlarmInfoPlate": {"channel": 0, "deviceName": "IVS", "ipaddr": "192.168.1.10",
     "serialno": "fd495d6e", "result": {"PlateResult": {"license": "粤B12345", "confidence": 96,
     "colorType": 1, "type": 1, "imageFile": "<base64>", "imageFragmentFile": "<base64>"}}}}

`confidence` is 0 to 100, `imageFile` the whole picture, `imageFragmentFile` the plate; `license` is
`_无_` where no plate was found. Heartbeats come to the same address and are no readings.

Source: several published programs that agree on the keys; the maker's own document was not seen.
**The answer matters**: `"info": "ok"` makes the camera close its own relay. We never say it.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from devices.camera.codecs.parts import Part, PlatePost, parts_of
from devices.readings import Recognition

ANSWER = b'{"Response_AlarmInfoPlate":{"info":"no","content":"retransfer_stop","is_pay":"false"}}'
NO_PLATE = frozenset({"", "_无_", "无车牌"})


class _PlateResult(msgspec.Struct, frozen=True):
    license: str
    confidence: int | float = 0
    imageFile: str = ""  # noqa: N815 - the camera's own name
    imageFragmentFile: str = ""  # noqa: N815


class _Result(msgspec.Struct, frozen=True):
    PlateResult: _PlateResult


class _Alarm(msgspec.Struct, frozen=True):
    result: _Result


class _Post(msgspec.Struct, frozen=True):
    AlarmInfoPlate: _Alarm


_decoder = msgspec.json.Decoder(_Post)


def decode(content_type: str, body: bytes) -> Recognition | None:
    """The reading in a post, or None: a heartbeat, or nothing that can be read."""
    for part in parts_of(content_type, body):
        try:
            found = _decoder.decode(part.content).AlarmInfoPlate.result.PlateResult
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        text = found.license.strip().replace(" ", "")
        is_percent = 0 <= found.confidence <= 100
        return Recognition(
            text="" if text in NO_PLATE else text,
            confidence_permille=int(found.confidence) * 10 if is_percent else 0,
            picture=_jpeg(found.imageFile),
            plate_picture=_jpeg(found.imageFragmentFile),
        )
    return None


def encode(recognition: Recognition) -> tuple[str, bytes]:
    """Content type and body of a post, for the simulator and the laws."""
    result = _PlateResult(
        license=recognition.text or "_无_",
        confidence=recognition.confidence_permille // 10,
        imageFile=base64.b64encode(recognition.picture or b"").decode(),
        imageFragmentFile=base64.b64encode(recognition.plate_picture or b"").decode(),
    )
    return "application/json", msgspec.json.encode(_Post(_Alarm(_Result(result))))


def _jpeg(text: str) -> bytes | None:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if Part("", content).is_jpeg else None


POST = PlatePost(decode=decode, encode=encode, answer_type="application/json", answer=ANSWER)
