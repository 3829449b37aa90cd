from __future__ import annotations

import threading

import pytest

from devices.clock import ManualClock
from devices.config import WeighbridgeConfig
from devices.errors import LinkDown
from devices.transports.chaos import ChaosTransport
from devices.transports.memory import null_modem
from devices.weighbridge.codecs import yaohua
from devices.weighbridge.driver import ContinuousWeighbridge
from devices.weighbridge.indication import IndicatorFrame


def test_what_one_end_writes_the_other_reads_in_order() -> None:
    here, there = null_modem()
    here.write(b"abcdef")
    here.write(b"gh")
    assert [there.read(4, 0.0), there.read(4, 0.0), there.read(4, 0.0)] == [b"abcd", b"ef", b"gh"]
    assert there.read(4, 0.0) == b""
    there.write(b"back")
    assert here.read(10, 1.0) == b"back"


def test_a_closed_end_ends_the_reads_of_both() -> None:
    here, there = null_modem()
    failures: list[LinkDown] = []

    def wait_for_bytes() -> None:
        try:
            there.read(1, 30.0)
        except LinkDown as exc:
            failures.append(exc)

    reader = threading.Thread(target=wait_for_bytes)
    reader.start()
    here.close()
    reader.join(timeout=10)
    assert len(failures) == 1
    for end in (here, there):
        with pytest.raises(LinkDown):
            end.read(1, 0.0)
    with pytest.raises(LinkDown):
        here.write(b"x")
    here.close()


def damaged(seed: int, *, loss: float, noise: float) -> list[bytes]:
    here, there = null_modem()
    bad = ChaosTransport(there, seed=seed, loss=loss, noise=noise)
    here.write(bytes(range(200)))
    chunks = []
    while chunk := bad.read(100, 0.0):
        chunks.append(chunk)
    return chunks


def test_the_same_seed_gives_the_same_damage() -> None:
    assert damaged(7, loss=0.1, noise=0.1) == damaged(7, loss=0.1, noise=0.1)
    assert damaged(7, loss=0.1, noise=0.1) != damaged(8, loss=0.1, noise=0.1)


def test_a_cable_without_loss_or_noise_only_cuts() -> None:
    chunks = damaged(1, loss=0.0, noise=0.0)
    assert b"".join(chunks) == bytes(range(200))[: len(b"".join(chunks))]
    assert max(map(len, chunks)) <= 5


def test_a_bad_cable_never_makes_a_weight_up() -> None:
    here, there = null_modem()
    clock = ManualClock()
    scale = ContinuousWeighbridge(
        yaohua.PROTOCOL,
        WeighbridgeConfig(port="null modem"),
        clock,
        connect=lambda: ChaosTransport(there, seed=3, loss=0.02, noise=0.02, chunk_max_bytes=7),
    )
    scale.open()
    sent = [value_kg * 20 for value_kg in range(1_000)]
    here.write(b"".join(yaohua.encode(IndicatorFrame(digits=value_kg)) for value_kg in sent))
    received = [reading.gross_kg for _ in range(20_000) for reading in scale.read(0.0)]
    scale.close()
    assert set(received) <= set(sent)
    assert received == sorted(received)
    assert 300 < len(received) < 1_000
    assert scale.good_frames == len(received)
    assert scale.discarded_bytes > 0
