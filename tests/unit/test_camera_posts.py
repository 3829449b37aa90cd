"""What cameras post, from the makers' layouts, and everything that is not that."""

import base64

import pytest

from devices.camera.codecs import alarm_info_plate, isapi
from devices.camera.codecs.parts import parts_of
from devices.camera.pushed import PLATE_POSTS
from devices.readings import Recognition

JPEG = b"\xff\xd8\xff\xe0 a plate \xff\xd9"
SCENE = b"\xff\xd8\xff\xe0 a truck \r\n--Aa \xff\xd9\r\n"

# Laid out after the maker's description of "HTTP listening"; field names from published captures.
ISAPI_XML = """<?xml version="1.0" encoding="utf-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<ipAddress>192.0.2.248</ipAddress>
<portNo>20480</portNo>
<protocol>HTTP</protocol>
<channelID>1</channelID>
<dateTime>2034-01-04T15:57:03+08:00</dateTime>
<activePostCount>17</activePostCount>
<eventType>ANPR</eventType>
<eventState>active</eventState>
<ANPR><country>0</country><licensePlate>粤B12345</licensePlate><line>1</line>
<direction>forward</direction><confidenceLevel>97</confidenceLevel></ANPR>
</EventNotificationAlert>"""
ISAPI_TYPE = "multipart/form-data; boundary=AaB03x"
ISAPI_BODY = (
    b"--AaB03x\r\n"
    b'Content-Disposition: form-data; name="ANPR.xml"; filename="ANPR.xml";\r\n'
    b"Content-Type: application/xml\r\nContent-Length: 9\r\n\r\n"
    + ISAPI_XML.encode()
    + b"\r\n--AaB03x\r\n"
    b'Content-Disposition: form-data; name="licensePlatePicture.jpg"; '
    b'filename="licensePlatePicture.jpg";\r\nContent-Type: image/jpeg\r\n\r\n'
    + JPEG
    + b"\r\n--AaB03x\r\n"
    b'Content-Disposition: form-data; name="detectionPicture.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n" + SCENE + b"\r\n--AaB03x--\r\n"
)

# The keys of a published post; its maker's document was not seen.
ALARM = """{"AlarmInfoPlate": {"channel": 0, "deviceName": "ParkingCam", "ipaddr": "192.0.2.10",
"result": {"PlateResult": {"bright": 0, "carBright": 0, "carColor": 0, "colorType": 3,
"confidence": 96, "direction": 1, "imagePath": "", "license": "OTM2022",
"location": {"RECT": {"top": 904, "left": 556, "right": 1376, "bottom": 700}},
"timeStamp": {"Timeval": {"sec": 1670976550, "usec": 0}}, "timeUsed": 0, "triggerType": 2,
"type": 1%s}}, "serialno": "fd495d6ee960dbec"}}"""


def test_a_post_of_the_isapi_kind_gives_plate_confidence_and_both_pictures() -> None:
    assert isapi.decode(ISAPI_TYPE, ISAPI_BODY) == Recognition(
        text="粤B12345", confidence_permille=970, picture=SCENE, plate_picture=JPEG
    )


def test_the_xml_alone_and_an_unclosed_form_are_read_too() -> None:
    alone = isapi.decode("application/xml", ISAPI_XML.encode())
    assert alone == Recognition(text="粤B12345", confidence_permille=970)
    assert isapi.decode(ISAPI_TYPE, ISAPI_BODY.removesuffix(b"--AaB03x--\r\n")) is not None


def test_a_post_of_the_alarm_kind_gives_plate_confidence_and_both_pictures() -> None:
    assert alarm_info_plate.decode("application/json", (ALARM % "").encode()) == Recognition(
        text="OTM2022", confidence_permille=960
    )
    pictures = (
        f', "imageFile": "{base64.b64encode(SCENE.strip()).decode()}",'
        f' "imageFragmentFile": "{base64.b64encode(JPEG).decode()}"'
    )
    read = alarm_info_plate.decode("application/json", (ALARM % pictures).encode())
    assert read is not None
    assert (read.picture, read.plate_picture) == (SCENE.strip(), JPEG)


@pytest.mark.parametrize("word", ["unknown", "", "noPlate"])
def test_a_vehicle_without_a_plate_has_no_text(word: str) -> None:
    body = ISAPI_XML.replace("粤B12345", word).encode()
    read = isapi.decode("application/xml", body)
    assert read is not None
    assert read.text == ""
    none = alarm_info_plate.decode("", (ALARM % "").replace("OTM2022", "_无_").encode())
    assert none is not None
    assert none.text == ""


@pytest.mark.parametrize("said", ["101", "-5", "9.5", "high", "", "９７", "1000000000000"])
def test_a_confidence_that_is_no_percentage_is_none_at_all(said: str) -> None:
    body = ISAPI_XML.replace(">97<", f">{said}<").encode()
    read = isapi.decode("application/xml", body)
    assert read is not None
    assert read.confidence_permille == 0


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/xml", ISAPI_XML.replace(">ANPR<", ">heartBeat<").encode()),
        ("application/xml", ISAPI_XML.replace("EventNotificationAlert", "Other").encode()),
        ("application/xml", b"<!DOCTYPE x [<!ENTITY y 'z'>]>" + ISAPI_XML[39:].encode()),
        ("application/xml", ISAPI_XML.replace("utf-8", "klingon").encode()),
        ("application/xml", ISAPI_XML[:-30].encode()),
        ("multipart/form-data", ISAPI_BODY),
        ("multipart/form-data; boundary=other", ISAPI_BODY),
        ("", b""),
        ("application/json", b'{"heartbeat": {"serialno": "fd495d6e"}}'),
        ("application/json", b'{"AlarmInfoPlate": {"result": {"PlateResult": {}}}}'),
        ("application/json", b'{"AlarmInfoPlate": ' + b"[" * 5000),
        ("application/json", b'"\xff"'),
    ],
)
def test_another_event_or_a_broken_one_is_no_reading(kind: str, body: bytes) -> None:
    for post in PLATE_POSTS.values():
        assert post.decode(kind, body) is None


def test_a_cut_picture_is_no_picture() -> None:
    read = isapi.decode(ISAPI_TYPE, ISAPI_BODY.replace(JPEG, JPEG[:-2]))
    assert read is not None
    assert read.plate_picture is None


def test_a_form_with_very_many_parts_is_cut_off() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nx\r\n'
    assert len(parts_of("multipart/form-data; boundary=b", part * 1000)) == 16
