"""Laws of the settled weight, over any stream."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from devices.config import WeighbridgeConfig
from devices.readings import WeighbridgeReading, WeightStatus
from devices.weighbridge.settle import SettleFilter, WeightPhase

CONFIG = WeighbridgeConfig(port="-", division_kg=20, max_kg=60_000, settle_s=0.4, stale_s=0.5)
HAS_WEIGHT = {WeightPhase.EMPTY, WeightPhase.SETTLED}

Stream = tuple[int, list[tuple[float, int, bool | None, WeightStatus]]]
READING = st.tuples(
    st.sampled_from([0.02, 0.04, 0.04, 0.04, 0.1, 0.45, 0.6]),
    st.sampled_from([0, 0, 0, 0, 20, -20, 40, 3_000]),
    st.sampled_from([None, False, False, True]),
    st.sampled_from([WeightStatus.OK] * 15 + [WeightStatus.NET]),
)
STREAM = st.tuples(
    st.sampled_from([0, 20, 60, 25_680, 59_980]), st.lists(READING, min_size=1, max_size=60)
)


def readings(stream: Stream) -> Iterator[WeighbridgeReading]:
    base_kg, steps = stream
    now_s = 50.0
    for wait_s, offset_kg, motion, status in steps:
        now_s += wait_s
        yield WeighbridgeReading(
            gross_kg=base_kg + offset_kg, status=status, motion=motion, received_s=now_s
        )


@given(stream=STREAM)
def test_a_weight_is_the_last_value_of_a_clean_fresh_stream(stream: Stream) -> None:
    judge = SettleFilter(CONFIG)
    for reading in readings(stream):
        state = judge.feed(reading)
        assert (state.gross_kg is not None) == (state.phase in HAS_WEIGHT)
        assert state.readings[-1] == reading
        if state.gross_kg is None:
            continue
        assert state.gross_kg == reading.gross_kg
        assert reading.status is WeightStatus.OK
        assert reading.motion is not True
        assert -40 <= reading.gross_kg <= CONFIG.max_kg
        assert len(state.readings) >= 5
        assert state.span_s >= CONFIG.settle_s
        assert state.spread_kg <= 3 * CONFIG.division_kg
        assert state.since_s <= reading.received_s
        gaps = zip(state.readings, state.readings[1:], strict=False)
        assert all(b.received_s - a.received_s <= CONFIG.stale_s for a, b in gaps)
        assert judge.at(reading.received_s + 0.51).gross_kg is None


@given(stream=STREAM)
def test_a_weight_begins_only_after_rest_within_one_division(stream: Stream) -> None:
    judge = SettleFilter(CONFIG)
    before = None
    for reading in readings(stream):
        state = judge.feed(reading)
        if state.phase in HAS_WEIGHT and (before is None or before.phase not in HAS_WEIGHT):
            assert state.spread_kg <= CONFIG.division_kg
            assert not any(seen.motion for seen in state.readings)
        before = state
