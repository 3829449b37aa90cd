"""One plate on two vehicles: what hub and lane remember of it, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from central.store import claim_store
from central.store.connection import Store
from gate_agent.domain.decision import decide
from gate_agent.domain.effects import ClaimDeclaration
from gate_agent.domain.events import ClaimAnswered
from gate_agent.domain.evidence import (
    ClaimEvidence,
    ClaimState,
    Evidence,
    KnownEmpty,
    Sighting,
    WeightEvidence,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import Declaration, Kind
from gate_agent.domain.records import PassageDecided
from gate_agent.domain.vocabulary import DeclarationId, Outcome
from gate_agent.wire.convert import claim_answered, claim_fact
from gate_agent.wire.v1 import (
    ClaimAnswer,
    ClaimRequest,
    EvidenceFacts,
    PassageOpened,
    PlateFact,
    SightingRow,
    WeightFact,
)
from tests.builders import (
    DECIDED_AT,
    GROSS_KG,
    PACK,
    PLATE,
    LaneStory,
    a_declaration,
    good_evidence,
)
from tests.hub_bench import NOW_MS, a_store, closed, decided, take_bodies
from tests.hub_bench import a_declaration as a_row

LIMIT_MS = PACK.identity.min_travel_ms


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with a_store(tmp_path / "hub.db") as opened:
        opened.write_now(lambda db: db.execute("INSERT INTO declaration_plates VALUES (?, 'D1')",
                                               [PLATE]))  # fmt: skip
        yield opened


def asks(store: Store, *, at_ms: int = NOW_MS, waited_ms: int = 0) -> ClaimAnswer:
    request = ClaimRequest(
        lane="lane1", epoch="e1", token=5, passage_id="lane1-e1-000007", declaration_id="D1",
        since_arrival_ms=waited_ms,
    )  # fmt: skip
    answer = store.write_now(claim_store.claim, request, at_ms)
    assert answer is not None
    return answer


def plate_is_in(store: Store, lane: str, *, kind: str | None = None, kg: int = GROSS_KG) -> str:
    """The plate was read in another lane."""
    passage_id = f"{lane}-e1-000001"
    plate = PlateFact(
        text=PLATE, plate_class="blue", confidence_permille=990, frames_agreed=3, frames_seen=3
    )
    weight = WeightFact(gross_kg=kg, division_kg=20, spread_kg=0)
    judged = decided(passage_id, "release" if kind else "hold", a_row(2, kind=kind))
    facts = EvidenceFacts(plate=plate, weight=weight)
    judged = msgspec.structs.replace(judged, evidence=facts)
    take_bodies(store, PassageOpened(passage_id=passage_id), judged, lane=lane)
    return passage_id


def test_the_hub_says_that_the_plate_stands_in_another_lane(store: Store) -> None:
    other = plate_is_in(store, "lane2")
    (seen,) = asks(store, at_ms=NOW_MS + 60_000).sightings
    assert seen == SightingRow(lane="lane2", passage_id=other, gap_ms=None)


def test_the_hub_says_how_long_before_this_arrival_it_left_another_lane(store: Store) -> None:
    other = plate_is_in(store, "lane2")
    take_bodies(store, closed(other), lane="lane2")
    (seen,) = asks(store, at_ms=NOW_MS + 20_000, waited_ms=8_000).sightings
    assert seen.gap_ms is not None
    assert 11_000 <= seen.gap_ms <= 12_000
    assert asks(store, at_ms=NOW_MS + 3_600_000).sightings == ()


def test_one_that_backed_out_of_another_lane_may_come_at_once(store: Store) -> None:
    other = plate_is_in(store, "lane2")
    backed = closed(other, "hold")
    take_bodies(store, msgspec.structs.replace(backed, left="entry"), lane="lane2")
    assert asks(store).sightings == ()


def test_a_lane_that_went_on_to_its_next_vehicle_has_the_last_no_more(store: Store) -> None:
    plate_is_in(store, "lane2")
    take_bodies(store, PassageOpened(passage_id="lane2-e1-000002"), lane="lane2")
    assert asks(store).sightings == ()


def test_the_hub_says_what_the_plate_weighed_when_it_was_empty(store: Store) -> None:
    assert asks(store).known_empty is None
    other = plate_is_in(store, "lane2", kind="empty", kg=15_240)
    take_bodies(store, closed(other), lane="lane2")
    known = asks(store, at_ms=NOW_MS + 3_600_000).known_empty
    assert known is not None
    assert (known.kg, known.times) == (15_240, 1)
    event = claim_answered(asks(store, at_ms=NOW_MS + 3_600_000))
    assert event.known_empty == KnownEmpty(kg=15_240, times=1)


def reasons(evidence: Evidence, declaration: Declaration | None = None) -> tuple[str, ...]:
    papers = [declaration or a_declaration()]
    verdict = decide(evidence, papers, PACK, DECIDED_AT.wall_ms)
    return tuple(reason.value for reason in verdict.reasons)


def with_hub(*sightings: Sighting, known_empty: KnownEmpty | None = None) -> Evidence:
    said = ClaimEvidence(
        declaration_id=a_declaration().declaration_id,
        state=ClaimState.GRANTED,
        sightings=sightings,
        known_empty=known_empty,
    )
    return replace(good_evidence(), claim=said)


@pytest.mark.parametrize(
    ("gap_ms", "expected"),
    [(None, ("seen_elsewhere",)), (LIMIT_MS - 1, ("seen_elsewhere",)), (LIMIT_MS, ())],
)
def test_a_plate_that_cannot_have_come_from_there_is_a_persons(
    gap_ms: int | None, expected: tuple[str, ...]
) -> None:
    assert reasons(with_hub(Sighting(lane="l2", passage_id="p", gap_ms=gap_ms))) == expected


def weighing(evidence: Evidence, kg: int) -> Evidence:
    weight = evidence.weight
    assert weight is not None
    return replace(evidence, weight=replace(weight, gross_kg=kg))


@pytest.mark.parametrize(
    ("kind", "weighs_kg", "empty_kg", "times", "expected"),
    [
        (Kind.EMPTY, 15_000, 15_900, 3, ()),  # another trailer
        (Kind.EMPTY, 15_000, 16_501, 2, ("tare_unlike",)),
        (Kind.EMPTY, 15_000, 13_499, 2, ("tare_unlike",)),
        (Kind.EMPTY, 15_000, 13_499, 1, ()),  # weighed once says nothing
        (Kind.LOADED, 32_000, 15_000, 9, ()),
        (Kind.LOADED, 32_000, 33_501, 2, ("tare_unlike",)),  # lighter than it is when empty
    ],
)
def test_a_weight_that_this_plate_cannot_have_is_a_persons(
    kind: Kind, weighs_kg: int, empty_kg: int, times: int, expected: tuple[str, ...]
) -> None:
    paper = replace(a_declaration(gross_kg=weighs_kg), kind=kind, tare_kg=weighs_kg)
    known = KnownEmpty(kg=empty_kg, times=times)
    evidence = weighing(with_hub(known_empty=known), weighs_kg)
    assert reasons(evidence, paper) == expected
    assert isinstance(evidence.weight, WeightEvidence)


def released(story: LaneStory) -> LaneStory:
    story.waits_for_verdict().manifest_answers().boom_goes_up().drives_out().passes(1.0)
    return story.boom_comes_down()


def test_a_lane_that_is_alone_remembers_the_plates_that_left_it() -> None:
    story = released(LaneStory().ready().fault(FaultCode.UPLINK))
    assert story.verdict == (Outcome.RELEASE, ())
    assert [each.plate for each in story.lane.departures] == [PLATE]
    story.passes(5.0).waits_for_verdict().manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("seen_elsewhere",))
    (seen,) = story.records(PassageDecided)[-1].evidence.sightings
    assert (seen.lane, seen.gap_ms is not None) == ("lane1", True)


def test_after_the_time_that_a_way_round_takes_it_may_come_again() -> None:
    story = released(LaneStory().ready().fault(FaultCode.UPLINK))
    story.passes(LIMIT_MS / 1000).waits_for_verdict().manifest_answers()
    assert story.verdict == (Outcome.RELEASE, ())


def test_where_the_hub_answers_its_word_counts_and_is_in_the_record() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story._manifest_answers(())
    asked = story.last(ClaimDeclaration)
    assert asked.since_arrival_ms > 0
    sighting = Sighting(lane="lane2", passage_id="lane2-e-000003", gap_ms=None)
    story.happens(ClaimAnswered(token=asked.token, state=ClaimState.GRANTED, sightings=(sighting,)))
    story._manifest_answers(())
    assert story.verdict == (Outcome.HOLD, ("seen_elsewhere",))
    fact = claim_fact(story.records(PassageDecided)[-1])
    assert fact is not None
    assert [each.lane for each in fact.sightings] == ["lane2"]


def test_what_the_lane_itself_saw_counts_even_where_the_hub_has_not_heard_of_it() -> None:
    seen = Sighting(lane="lane1", passage_id="lane1-e1-000006", gap_ms=LIMIT_MS - 1)
    assert reasons(replace(with_hub(), sightings=(seen,))) == ("seen_elsewhere",)
    known = KnownEmpty(kg=33_501, times=2)
    assert reasons(replace(with_hub(), known_empty=known)) == ("tare_unlike",)
    hubs = KnownEmpty(kg=15_000, times=1)
    assert reasons(replace(with_hub(known_empty=hubs), known_empty=known)) == ("tare_unlike",)


def test_what_the_hub_said_of_another_declaration_says_nothing_of_this_plate() -> None:
    other = ClaimEvidence(
        declaration_id=DeclarationId("D-other"),
        state=ClaimState.GRANTED,
        sightings=(Sighting(lane="l2", passage_id="p", gap_ms=None),),
    )
    assert "seen_elsewhere" not in reasons(replace(good_evidence(), claim=other))
