"""One question at a time: no answer is taken for another's. In time that moves when told to."""

from __future__ import annotations

import pytest

from devices.asked_line import AskedLine
from devices.card_reader.codecs.lines import LineFrame, Lines
from devices.clock import ManualClock
from devices.config import CardReaderConfig
from devices.errors import LinkDown


class Device:
    """The far end: answers each question with its script, each answer so many seconds later."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.script: list[tuple[bytes, float]] = []  # the answer, its delay; b"": none
        self.asked: list[bytes] = []
        self.is_down = False
        self._coming: list[tuple[float, bytes]] = []

    def write(self, payload: bytes) -> None:
        if self.is_down:
            raise LinkDown("pulled")
        self.asked.append(payload)
        if payload == b"check":
            answer, delay_s = b"checked\r", 0.0
        else:
            answer, delay_s = self.script.pop(0) if self.script else (b"", 0.0)
        if answer:
            self._coming.append((self.clock.now().mono_s + delay_s, answer))
            self._coming.sort(key=lambda each: each[0])

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        if self.is_down:
            raise LinkDown("pulled")
        now_s = self.clock.now().mono_s
        if self._coming and self._coming[0][0] <= now_s + timeout_s:
            at_s, answer = self._coming.pop(0)
            self.clock.advance(max(0.0, at_s - now_s))
            return answer[:max_bytes]
        self.clock.advance(timeout_s)
        return b""

    def close(self) -> None:
        self.is_down = True


def line_to(device: Device) -> AskedLine[LineFrame]:
    def connect() -> Device:
        device.is_down = False
        return device

    line: AskedLine[LineFrame] = AskedLine(
        "reader",
        CardReaderConfig(port="wire", reply_s=0.5),
        device.clock,
        make_decoder=Lines,
        check=b"check",
        is_check=lambda frame: frame.text == "checked",
        connect=connect,
    )
    line.open()
    return line


def ask(line: AskedLine[LineFrame]) -> list[str] | None:
    answer = line.ask(b"ask", lambda frame: frame.text.endswith("."))
    return None if answer is None else [frame.text for frame in answer]


def test_an_answer_of_several_frames_ends_with_the_last() -> None:
    device = Device()
    line = line_to(device)
    device.script = [(b"one\rtwo.\r", 0.1), (b"three.\r", 0.1)]
    assert ask(line) == ["one", "two."]
    assert ask(line) == ["three."]
    assert line.is_heard


def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    device = Device()
    line = line_to(device)
    device.script = [(b"first.\r", 0.7), (b"second.\r", 0.1)]
    assert ask(line) is None
    assert ask(line) == ["second."]
    assert device.asked == [b"check", b"ask", b"check", b"ask"]


def test_an_answer_without_its_end_is_no_answer() -> None:
    device = Device()
    line = line_to(device)
    device.script = [(b"one\r", 0.1), (b"two.\r", 0.1)]
    assert ask(line) is None
    assert ask(line) == ["two."]


def test_what_is_said_without_being_asked_is_no_answer() -> None:
    device = Device()
    line = line_to(device)
    device.script = [(b"first.\r", 0.1), (b"second.\r", 0.1)]
    assert ask(line) == ["first."]
    device._coming.append((device.clock.now().mono_s + 0.01, b"stray.\r"))
    assert line.turn(0.0) is not None, "the first time to ask is at once"
    assert line.turn(0.2) is None, "the next is not yet"
    assert ask(line) == ["second."]
    assert line.late_frames == 1


def test_a_device_that_does_not_answer_for_three_seconds_is_lost_and_named() -> None:
    device = Device()
    line = line_to(device)
    began_s = device.clock.now().mono_s
    with pytest.raises(LinkDown, match=r"reader: no answer for 3\.\d s on wire at 9600 baud"):
        all(ask(line) is None for _ in range(20))
    assert device.clock.now().mono_s - began_s < 4.5
    assert not line.is_heard


def test_a_device_that_is_opened_again_has_its_time_anew() -> None:
    device = Device()
    line = line_to(device)
    device.is_down = True
    with pytest.raises(LinkDown, match="reader: pulled"):
        ask(line)
    line.close()
    device.clock.advance(10.0)
    line.open()
    device.script = [(b"back.\r", 0.1)]
    assert ask(line) == ["back."]
