"""The driver of indicators that are asked, with the indicator's end of the wire in hand."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.clock import ManualClock
from devices.config import WeighbridgeConfig
from devices.errors import LinkDown
from devices.readings import WeighbridgeReading, WeightStatus
from devices.transports.memory import MemoryTransport, null_modem
from devices.weighbridge.driver import SILENT_S
from devices.weighbridge.indication import Answer, Heard, IndicatorFrame, Kind, Unit
from devices.weighbridge.polled import QUIET_S, PolledWeighbridge
from devices.weighbridge.protocols import protocols

YAOHUA = protocols()["yaohua-command"]
SICS = protocols()["mt-sics"]
ASKED = [name for name, protocol in protocols().items() if protocol.poll is not None]
WEIGHT, CHECK = "weight", "check"
HANDSHAKE = Answer(text="handshake")
CONFIG = WeighbridgeConfig(port="null modem", driver="yaohua-command")


def gross(kg: int) -> IndicatorFrame:
    return IndicatorFrame(digits=kg, kind=Kind.GROSS)


def sics(kg: int) -> IndicatorFrame:
    return IndicatorFrame(digits=kg, unit=Unit.KG, motion=False)


def tare(kg: int) -> IndicatorFrame:
    return IndicatorFrame(digits=kg, unit=Unit.KG, kind=Kind.TARE)


class Indicator:
    """A driver and the far end of its wire, in time that moves when told to."""

    def __init__(self, name: str = "yaohua-command") -> None:
        self.protocol = protocols()[name]
        self.clock = ManualClock(mono_s=100.0)
        self.wire: MemoryTransport
        self.scale = PolledWeighbridge(self.protocol, CONFIG, self.clock, connect=self._connect)
        self.scale.open()

    def _connect(self) -> MemoryTransport:
        self.wire, near = null_modem()
        return near

    def asked(self) -> list[str]:
        """What the driver has sent since this was called last."""
        poll = self.protocol.poll
        assert poll is not None
        sent = []
        while request := self.wire.read(64, 0.0):
            sent.append({poll.ask: WEIGHT, poll.check: CHECK}[request])
        return sent

    def read(self) -> list[WeighbridgeReading]:
        return self.scale.read(0.0)

    def answers(self, *frames: Heard) -> list[WeighbridgeReading]:
        for frame in frames:
            self.wire.write(self.protocol.encode(frame))
        return [reading for _ in frames for reading in self.read()]

    def waits(self, seconds: float) -> None:
        self.clock.advance(seconds)
        assert self.read() == []

    def in_order(self) -> Indicator:
        """Past the first check, the first request for a weight sent."""
        self.read()
        assert self.asked() == [CHECK]
        assert self.answers(self.protocol.poll.reply if self.protocol.poll else HANDSHAKE) == []
        assert self.asked() == [WEIGHT]
        return self


def test_no_weight_is_asked_for_before_the_indicator_has_answered() -> None:
    indicator = Indicator()
    assert indicator.answers(gross(8_000)) == []
    assert indicator.asked() == [CHECK]
    assert indicator.scale.late_frames == 1


def test_an_answer_is_one_reading_with_the_time_of_its_last_byte() -> None:
    indicator = Indicator().in_order()
    indicator.clock.advance(0.03)
    assert indicator.answers(gross(25_680)) == [
        WeighbridgeReading(gross_kg=25_680, status=WeightStatus.OK, motion=None, received_s=100.03)
    ]


def test_requests_keep_their_distance() -> None:
    indicator = Indicator().in_order()
    indicator.answers(gross(0))
    assert indicator.asked() == []
    indicator.waits(CONFIG.poll_s - 0.01)
    assert indicator.asked() == []
    indicator.waits(0.01)
    assert indicator.asked() == [WEIGHT]
    indicator.waits(CONFIG.poll_s)
    assert indicator.asked() == []


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    indicator = Indicator().in_order()
    indicator.waits(CONFIG.reply_s + 0.01)
    assert indicator.asked() == [CHECK]
    assert indicator.answers(gross(25_680)) == []
    assert indicator.answers(HANDSHAKE) == []
    assert indicator.asked() == [WEIGHT]
    assert [reading.gross_kg for reading in indicator.answers(gross(0))] == [0]
    assert indicator.scale.late_frames == 1


def test_a_lost_answer_costs_one_check() -> None:
    indicator = Indicator().in_order()
    indicator.waits(CONFIG.reply_s + 0.01)
    assert indicator.asked() == [CHECK]
    assert indicator.answers(HANDSHAKE) == []
    assert indicator.asked() == [WEIGHT]
    assert len(indicator.answers(gross(25_680))) == 1


def test_after_a_check_that_stays_unanswered_the_line_must_fall_quiet() -> None:
    indicator = Indicator().in_order()
    indicator.waits(CONFIG.reply_s + 0.01)
    indicator.waits(CONFIG.reply_s + 0.01)
    assert indicator.asked() == [CHECK]
    assert indicator.answers(gross(25_680)) == []
    indicator.waits(QUIET_S - 0.01)
    assert indicator.asked() == []
    indicator.waits(0.02)
    assert indicator.asked() == [CHECK]
    assert indicator.answers(HANDSHAKE) == []
    assert indicator.asked() == [WEIGHT]


@pytest.mark.parametrize("lag_s", [0.3, 0.5, 0.7, 1.0, 1.4])
def test_an_indicator_that_always_answers_too_late_gives_no_weight(lag_s: float) -> None:
    indicator = Indicator()
    due: list[tuple[float, str]] = []
    with pytest.raises(LinkDown, match="late answers"):  # noqa: PT012 - it takes many turns
        for _ in range(400):
            assert indicator.read() == []
            now_s = indicator.clock.now().mono_s
            due += [(now_s + lag_s, request) for request in indicator.asked()]
            while due and due[0][0] <= now_s:
                _, request = due.pop(0)
                assert indicator.answers(gross(25_680) if request == WEIGHT else HANDSHAKE) == []
            indicator.clock.advance(0.02)


@settings(max_examples=40)
@given(
    lags_s=st.lists(st.sampled_from([0.02, 0.02, 0.1, 0.3, 0.6, 1.0]), min_size=4, max_size=30),
    lost=st.sets(st.integers(0, 29)),
)
def test_no_weight_is_older_than_its_request_however_answers_lag_or_are_lost(
    lags_s: list[float], lost: set[int]
) -> None:
    """The indicator answers with the moment at which it was asked, in ms; in order, as they do."""
    indicator = Indicator()
    due: list[tuple[float, str, float]] = []
    requests = 0
    asked_s = free_s = 0.0
    for _ in range(300):
        with contextlib.suppress(LinkDown):
            indicator.read()
        now_s = indicator.clock.now().mono_s
        for request in indicator.asked():
            free_s = max(free_s, now_s + lags_s[requests % len(lags_s)])
            asked_s = now_s if request == WEIGHT else asked_s
            if requests not in lost:
                due.append((free_s, request, now_s))
            requests += 1
        while due and due[0][0] <= now_s:
            _, request, then_s = due.pop(0)
            answer = gross(round((then_s - 100) * 50) * 20) if request == WEIGHT else HANDSHAKE
            for reading in _without_link_down(indicator, answer):
                assert reading.gross_kg == round((asked_s - 100) * 50) * 20
        indicator.clock.advance(0.02)


def _without_link_down(indicator: Indicator, answer: Heard) -> list[WeighbridgeReading]:
    try:
        return indicator.answers(answer)
    except LinkDown:
        return []


def test_an_answer_that_nobody_asked_for_puts_the_order_in_doubt() -> None:
    indicator = Indicator().in_order()
    assert indicator.answers(HANDSHAKE) == []
    assert indicator.answers(gross(25_680)) == []
    assert indicator.asked() == []
    indicator.waits(QUIET_S + 0.01)
    assert indicator.asked() == [CHECK]


def test_a_refusal_is_no_weight_and_is_named_when_it_lasts() -> None:
    indicator = Indicator("mt-sics").in_order()
    words = r"no weight for 3\.\d s on null modem .* refusal 'S I'"
    with pytest.raises(LinkDown, match=words):  # noqa: PT012 - it takes many turns
        for _ in range(100):
            for request in indicator.asked() or [WEIGHT]:
                indicator.answers(Answer(text="S I") if request == WEIGHT else tare(0))
            indicator.clock.advance(0.1)
            assert indicator.read() == []


def test_a_tare_that_is_set_makes_the_weight_net() -> None:
    indicator = Indicator("mt-sics").in_order()
    assert indicator.answers(sics(8_000)) == []
    assert indicator.asked() == [CHECK]
    (first,) = indicator.answers(tare(0))
    assert (first.gross_kg, first.status) == (8_000, WeightStatus.OK)
    statuses = []
    for set_kg in (2_000, 0, 0):
        indicator.waits(CONFIG.poll_s)
        indicator.answers(sics(6_000))
        statuses += [reading.status for reading in indicator.answers(tare(set_kg))]
    assert statuses == [WeightStatus.NET, WeightStatus.NET, WeightStatus.OK]


def test_a_weight_whose_tare_is_unknown_is_no_weight() -> None:
    indicator = Indicator("mt-sics").in_order()
    assert indicator.answers(sics(8_000)) == []
    assert indicator.answers(Answer(text="ES")) == []
    indicator.waits(CONFIG.reply_s + 0.01)
    assert indicator.answers(tare(0)) == []


def test_the_tare_and_net_of_an_indicator_are_never_gross() -> None:
    for kind in (Kind.TARE, Kind.NET):
        indicator = Indicator().in_order()
        (reading,) = indicator.answers(IndicatorFrame(digits=8_000, kind=kind))
        assert reading.status is WeightStatus.NET


def test_an_indicator_that_falls_silent_is_a_link_that_is_down() -> None:
    indicator = Indicator().in_order()
    indicator.answers(gross(0))
    with pytest.raises(LinkDown, match="weighbridge: no weight"):  # noqa: PT012 - many turns
        for _ in range(int(SILENT_S / 0.1) + 2):
            indicator.waits(0.1)


def test_what_was_under_way_before_an_unplug_is_forgotten() -> None:
    indicator = Indicator().in_order()
    indicator.scale.close()
    indicator.scale.open()
    assert indicator.answers(gross(25_680)) == []
    assert indicator.asked() == [CHECK]


@pytest.mark.parametrize("driver", ASKED)
def test_an_unplugged_indicator_gives_no_weight_and_says_so(driver: str) -> None:
    indicator = Indicator(driver).in_order()
    weight, poll = replace(indicator.protocol.rest, digits=25_680), indicator.protocol.poll
    assert poll is not None
    readings = indicator.answers(weight)
    if poll.after_each:
        readings += indicator.answers(poll.reply)
    assert [reading.gross_kg for reading in readings] == [25_680]
    indicator.wire.close()
    with pytest.raises(LinkDown, match="weighbridge: "):
        indicator.read()


def test_an_indicator_that_sends_by_itself_is_not_asked() -> None:
    with pytest.raises(ValueError, match="yaohua-continuous is not asked"):
        PolledWeighbridge(protocols()["yaohua-continuous"], CONFIG, ManualClock(mono_s=0.0))
