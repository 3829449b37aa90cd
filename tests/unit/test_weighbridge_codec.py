"""Every indicator protocol against the worked examples of documents, never of our encoders."""

from __future__ import annotations

import pytest

from devices.readings import WeightStatus
from devices.weighbridge.codecs.yaohua import MAX_DIGITS
from devices.weighbridge.indication import Answer, Heard, IndicatorFrame, Kind, Unit
from devices.weighbridge.protocols import protocols

OK, OVERLOAD, UNDERLOAD = WeightStatus.OK, WeightStatus.OVERLOAD, WeightStatus.UNDERLOAD


def toledo(
    digits: int, *, motion: bool = False, status: WeightStatus = OK, kind: Kind = Kind.GROSS
) -> IndicatorFrame:
    return IndicatorFrame(
        digits=digits, unit=Unit.KG, kind=kind, motion=motion, step=2, status=status
    )


def text(line: str) -> str:
    return line.encode("ascii").hex(" ")


# What stands in a document with its bytes, or was computed there from the layout.
GOLDEN: list[tuple[str, str, Heard]] = [
    (
        "yaohua-continuous",
        "02 2B 30 30 32 30 30 30 32 31 42 03",
        IndicatorFrame(digits=2000, decimals=2),
    ),
    ("yaohua-continuous", "02 2B 30 32 35 36 38 30 30 31 32 03", IndicatorFrame(digits=25_680)),
    ("yaohua-continuous", "02 2B 30 30 30 30 30 30 30 31 42 03", IndicatorFrame(digits=0)),
    ("yaohua-continuous", "02 2D 30 30 30 30 34 30 30 31 39 03", IndicatorFrame(digits=-40)),
    ("yaohua-continuous", "02 2B 30 34 39 30 30 30 30 31 36 03", IndicatorFrame(digits=49_000)),
    (
        "yaohua-command",
        "02 41 42 2B 30 32 35 36 38 30 30 31 31 03",
        IndicatorFrame(digits=25_680, kind=Kind.GROSS),
    ),
    ("yaohua-command", "02 41 41 30 30 03", Answer(text="handshake")),
    ("yaohua-equals-low-first", text("=00.1000-"), IndicatorFrame(digits=-100, decimals=2)),
    ("yaohua-equals-high-first", text("=-0001.00"), IndicatorFrame(digits=-100, decimals=2)),
    (
        "yaohua-a12",
        text("WG004.139kg3D\r\n"),
        IndicatorFrame(digits=4139, decimals=3, unit=Unit.KG, kind=Kind.GROSS),
    ),
    ("yaohua-a12", text("         OL23\r\n"), IndicatorFrame(digits=None, status=OVERLOAD)),
    ("yaohua-a12", text("         LO23\r\n"), IndicatorFrame(digits=None, status=UNDERLOAD)),
    (
        "toledo-continuous",
        "02 32 30 20 30 32 35 36 38 30 30 30 30 30 30 30 0D",
        toledo(25_680),
    ),
    (
        "toledo-continuous-checksum",
        "02 32 30 20 30 32 35 36 38 30 30 30 30 30 30 30 0D 1A",
        toledo(25_680),
    ),
    (
        "toledo-continuous-checksum",
        "02 32 38 20 30 32 35 36 38 30 30 30 30 30 30 30 0D 12",
        toledo(25_680, motion=True),
    ),
    (
        "toledo-continuous-checksum",
        "02 32 34 20 30 32 35 36 38 30 30 30 30 30 30 30 0D 16",
        toledo(25_680, status=OVERLOAD),
    ),
    (
        "mt-sics",
        text("S S     100.00 g\r\n"),
        IndicatorFrame(digits=10_000, decimals=2, unit=Unit.G, motion=False),
    ),
    (
        "mt-sics",
        text("S S      25680 kg\r\n"),
        IndicatorFrame(digits=25_680, unit=Unit.KG, motion=False),
    ),
    (
        "mt-sics",
        text("S D      25660 kg\r\n"),
        IndicatorFrame(digits=25_660, unit=Unit.KG, motion=True),
    ),
    ("mt-sics", text("S +\r\n"), IndicatorFrame(digits=None, status=OVERLOAD)),
    ("mt-sics", text("S -\r\n"), IndicatorFrame(digits=None, status=UNDERLOAD)),
    ("mt-sics", text("S I\r\n"), Answer(text="S I")),
    ("sma", text("\n?\r"), Answer(text="?")),
    (
        "and-standard",
        text("ST,GS,+00123.0kg\r\n"),
        IndicatorFrame(digits=1_230, decimals=1, unit=Unit.KG, kind=Kind.GROSS, motion=False),
    ),
    (
        "and-standard",
        text("ST,NT,+0012.34kg\r\n"),
        IndicatorFrame(digits=1_234, decimals=2, unit=Unit.KG, kind=Kind.NET, motion=False),
    ),
]

# Laid out by hand from a written description, where no document shows the bytes.
BY_LAYOUT: list[tuple[str, str, Heard]] = [
    ("yaohua-equals-low-first", text("=08652000"), IndicatorFrame(digits=25_680)),
    ("yaohua-equals-high-first", text("=00025680"), IndicatorFrame(digits=25_680)),
    (
        "sma",
        text("\n 1G       25680kg \r"),
        IndicatorFrame(digits=25_680, unit=Unit.KG, kind=Kind.GROSS, motion=False),
    ),
    (
        "sma",
        text("\nO1NM    -12.340lb \r"),
        IndicatorFrame(
            digits=-12_340,
            decimals=3,
            unit=Unit.LB,
            kind=Kind.NET,
            motion=True,
            status=OVERLOAD,
        ),
    ),
    (
        "sma",
        text("\nT1G  ----------kg \r"),
        IndicatorFrame(
            digits=None,
            unit=Unit.KG,
            kind=Kind.GROSS,
            motion=False,
            status=WeightStatus.ERROR,
        ),
    ),
    (
        "rinstrum-auto-a",
        "02 20 20 20 32 35 36 38 30 47 03",
        IndicatorFrame(digits=25_680, kind=Kind.GROSS, motion=False),
    ),
    (
        "rinstrum-auto-a",
        text("\x02-   25.5M\x03"),
        IndicatorFrame(digits=-255, decimals=1, motion=True),
    ),
    (
        "rinstrum-auto-c",
        text("\x02   25680G  - kg\x03"),
        IndicatorFrame(digits=25_680, unit=Unit.KG, kind=Kind.GROSS, motion=False),
    ),
    (
        "rinstrum-auto-c",
        text("\x02   25.68NMZ1  t\x03"),
        IndicatorFrame(digits=2_568, decimals=2, unit=Unit.T, kind=Kind.NET, motion=True),
    ),
]


def decode(name: str, wire: str) -> list[Heard]:
    return protocols()[name].make_decoder().feed(bytes.fromhex(wire))


@pytest.mark.parametrize(("name", "wire", "frame"), GOLDEN + BY_LAYOUT)
def test_the_documents_examples_are_read(name: str, wire: str, frame: Heard) -> None:
    assert decode(name, wire) == [frame]


@pytest.mark.parametrize(("name", "wire", "frame"), GOLDEN)
def test_the_documents_examples_are_what_a_simulator_sends(
    name: str, wire: str, frame: Heard
) -> None:
    assert protocols()[name].encode(frame) == bytes.fromhex(wire)


@pytest.mark.parametrize(
    ("ask", "wire"),
    [
        (protocols(1)["yaohua-command"].poll, "02 41 42 30 33 03"),
        (protocols(26)["yaohua-command"].poll, "02 5A 42 31 38 03"),
        (protocols()["mt-sics"].poll, "53 49 0D 0A"),
        (protocols()["sma"].poll, "0A 57 0D"),
    ],
)
def test_the_gross_weight_is_asked_for_as_the_documents_have_it(ask: object, wire: str) -> None:
    assert getattr(ask, "ask", None) == bytes.fromhex(wire)


@pytest.mark.parametrize(
    ("name", "wire", "frame"),
    [
        # sums of the models that add 30h to every nibble
        (
            "yaohua-continuous",
            "02 2B 30 30 32 30 30 30 32 31 3B 03",
            IndicatorFrame(digits=2000, decimals=2),
        ),
        # a negative zero is zero
        ("yaohua-continuous", "02 2D 30 30 30 30 30 30 30 31 44 03", IndicatorFrame(digits=0)),
        # even parity in the eighth bit; 7 data bits come like this from a line set to 8
        (
            "toledo-continuous-checksum",
            "82 B2 30 A0 30 B2 35 36 B8 30 30 30 30 30 30 30 8D 9A",
            toledo(25_680),
        ),
        # bit 5 of the second status byte is 0 with one maker
        (
            "toledo-continuous",
            "02 32 10 20 30 32 35 36 38 30 30 30 30 30 30 30 0D",
            toledo(25_680),
        ),
        # leading blanks for zeros
        (
            "toledo-continuous",
            "02 32 30 20 20 32 35 36 38 30 20 20 20 20 20 30 0D",
            toledo(25_680),
        ),
        # net, not zeroed (which is the graver), tonnes, and a display expanded by ten
        (
            "toledo-continuous",
            "02 32 31 20 30 32 35 36 38 30 30 30 30 30 30 30 0D",
            toledo(25_680, kind=Kind.NET),
        ),
        (
            "toledo-continuous",
            "02 32 74 20 30 32 35 36 38 30 30 30 30 30 30 30 0D",
            toledo(25_680, status=WeightStatus.NOT_ZEROED),
        ),
        (
            "toledo-continuous",
            "02 32 30 30 30 32 35 36 38 30 30 30 30 30 30 30 0D",
            toledo(25_680, status=WeightStatus.DIVISION),
        ),
    ],
)
def test_other_spellings_of_the_same_protocol_are_read(name: str, wire: str, frame: Heard) -> None:
    assert decode(name, wire) == [frame]


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("yaohua-continuous", "02 2B 30 32 35 36 38 30 30 31 33 03"),  # sum
        ("yaohua-continuous", "02 20 30 32 35 36 38 30 30 31 39 03"),  # sign a space, sum right
        ("yaohua-continuous", "02 2B 30 32 35 36 38 30 35 31 37 03"),  # five decimals, sum right
        ("yaohua-continuous", "02 2B 20 32 35 36 38 30 30 30 32 03"),  # a space for a digit
        ("yaohua-continuous", "02 2B 30 32 35 36 38 30 30 31 47 03"),  # sum character beyond F
        ("yaohua-command", "02 42 42 2B 30 32 35 36 38 30 30 31 32 03"),  # another's address
        ("yaohua-command", "02 41 45 30 30 30 30 31 33 35 03"),  # a truck's number
        ("yaohua-equals-low-first", text("=00.10001")),  # no sign's place
        ("yaohua-equals-high-first", text("=00.01.00")),  # two points
        ("yaohua-equals-high-first", text("=0000025.")),  # nothing behind the point
        ("yaohua-a12", text("WG004.139kg3d\r\n")),
        ("yaohua-a12", text("WG004.139lb3A\r\n")),  # pounds, sum right
        ("toledo-continuous-checksum", "02 32 30 20 30 32 35 36 38 30 30 30 30 30 30 30 0D 1B"),
        ("toledo-continuous", "02 22 30 20 30 32 35 36 38 30 30 30 30 30 30 30 0C"),  # no CR
        ("toledo-continuous", "02 22 30 20 30 32 35 36 38 30 30 30 30 30 30 30 0D"),  # no step
        ("toledo-continuous", "02 32 30 20 30 32 35 2E 38 30 30 30 30 30 30 30 0D"),  # a point
        ("mt-sics", text("S S     25680 kg\r\n")),  # nine places
        ("mt-sics", text("S S  25 680    kg\r\n")),
        ("mt-sics", text("s s      25680 kg\r\n")),
        ("sma", text("\n 1X       25680kg \r")),
        ("sma", text("\n 1G      2-5680kg \r")),
        ("rinstrum-auto-a", text("\x02   25680X\x03")),
        ("and-standard", text("HD,GS,+00123.0kg\r\n")),  # held, not weighed
        ("and-standard", text("ST,GS,+00123,0kg\r\n")),  # a comma for the point
        ("and-standard", text("ST,GS, 00123.0kg\r\n")),
        ("rinstrum-auto-a", text("\x02   25 80G\x03")),
        ("rinstrum-auto-a", text("\x02- -25680G\x03")),
        ("rinstrum-auto-c", text("\x02   25680G  ? kg\x03")),
    ],
)
def test_a_frame_that_no_document_has_gives_no_value(name: str, wire: str) -> None:
    assert decode(name, wire) == []


@pytest.mark.parametrize(
    ("name", "wire", "unit"),
    [
        ("sma", text("\n 1G       25680oz \r"), Unit.OTHER),
        ("sma", text("\n 1G       25680   \r"), Unit.OTHER),
        ("mt-sics", text("S S      25680 PCS\r\n"), Unit.OTHER),
        ("rinstrum-auto-c", text("\x02   25680G  -  t\x03"), Unit.T),
        ("rinstrum-auto-c", text("\x02   25680GM -   \x03"), None),
        ("rinstrum-auto-c", text("\x02   25680G  - st\x03"), Unit.OTHER),
    ],
)
def test_a_unit_that_is_unknown_is_not_taken_for_kilograms(
    name: str, wire: str, unit: Unit | None
) -> None:
    (frame,) = decode(name, wire)
    assert isinstance(frame, IndicatorFrame)
    assert frame.unit is unit


@pytest.mark.parametrize(
    ("name", "line", "status"),
    [
        ("rinstrum-auto-a", "\x02 -------O\x03", OVERLOAD),
        ("rinstrum-auto-a", "\x02        U\x03", UNDERLOAD),
        ("rinstrum-auto-a", "\x02   25680E\x03", WeightStatus.ERROR),
        ("rinstrum-auto-c", "\x02   OL   O  - kg\x03", OVERLOAD),
        ("and-standard", "OL,GS,      . kg\r\n", OVERLOAD),
        ("and-standard", "LO,NT,         t\r\n", OVERLOAD),
        ("rinstrum-auto-c", "\x02        E  -   \x03", WeightStatus.ERROR),
    ],
)
def test_what_stands_beside_an_overload_is_no_number(
    name: str, line: str, status: WeightStatus
) -> None:
    assert decode(name, text(line)) == [IndicatorFrame(digits=None, status=status)]


def test_bytes_thrown_away_are_counted() -> None:
    for name, protocol in protocols().items():
        decoder = protocol.make_decoder()
        decoder.feed(b"\x55" * 7 + protocol.encode(protocol.rest))
        assert decoder.discarded_bytes == 7, name


@pytest.mark.parametrize("name", protocols())
@pytest.mark.parametrize(
    "frame",
    [
        IndicatorFrame(digits=10 * MAX_DIGITS + 10**7),
        IndicatorFrame(digits=1, decimals=9),
        IndicatorFrame(digits=None),
        IndicatorFrame(digits=1, status=WeightStatus.NOT_KG),
        Answer(text="hello\r\n"),
    ],
)
def test_what_does_not_fit_the_frame_is_not_sent(name: str, frame: Heard) -> None:
    with pytest.raises(ValueError, match="cannot show"):
        protocols()[name].encode(frame)


def test_an_address_that_no_indicator_can_have_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 26, not 27"):
        protocols(27)


@pytest.mark.parametrize("error", ["ES", "ET", "EL"])
def test_a_weight_cut_off_in_its_unit_hides_no_error_behind_it(error: str) -> None:
    for unit in ("", "k"):
        assert decode("mt-sics", text(f"S S      25680 {unit}{error}\r\n")) == [Answer(text=error)]
