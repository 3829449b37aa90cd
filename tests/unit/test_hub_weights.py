"""What the hub shows as the weight of a vehicle that was released before the scale rested."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from central.store import hub_store
from gate_agent.wire.v1 import EvidenceFacts, WeighedAfterwards, WeightFact
from tests.hub_bench import a_store, decided, take_bodies


@pytest.mark.parametrize(("within_kg", "shown_kg"), [(0, 32_060), (120, 31_900)])
def test_the_weight_that_settled_afterwards_is_the_vehicle_s_weight(
    tmp_path: Path, within_kg: int, shown_kg: int
) -> None:
    """One that never settled stays what the verdict rested on, with how far it was known."""
    early = msgspec.structs.replace(
        decided("p1", "release"),
        evidence=EvidenceFacts(
            weight=WeightFact(gross_kg=31_900, division_kg=20, spread_kg=600, within_kg=700)
        ),
    )
    after = WeighedAfterwards(passage_id="p1", gross_kg=32_060, within_kg=within_kg, agrees=True)
    with a_store(tmp_path / "hub.db") as store:
        take_bodies(store, early, after)
        passage = store.read_now(hub_store.passage, "p1")
    assert passage is not None
    assert passage.summary.gross_kg == shown_kg
    assert passage.evidence is not None
    assert passage.evidence.weight is not None
    assert passage.evidence.weight.within_kg == 700
    assert [record.type for record in passage.records][-1] == "weighed_afterwards"
