"""Container numbers beside the declared ones: what they prove, contradict, and what is awaited."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate_agent.domain.containers import check_digit
from gate_agent.domain.decision import decide
from gate_agent.domain.events import ContainersRead, PolicyChanged
from gate_agent.domain.evidence import ContainerEvidence, Evidence
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.identity import identity_of
from gate_agent.domain.manifest import Declaration, Kind
from gate_agent.domain.marks import CONTAINERS_MAX
from gate_agent.domain.pieces import Says, said_of
from gate_agent.domain.policy_pack import (
    STANDARD_PIECES,
    IdentityRule,
    PolicyPack,
    default_pack,
)
from gate_agent.domain.records import PassageDecided
from gate_agent.domain.vocabulary import Outcome, Phase
from gate_agent.store.encoding import decode_event, encode_event
from tests.builders import (
    BOX,
    DECIDED_AT,
    OTHER_BOX,
    POLICY,
    LaneStory,
    a_declaration,
    after,
    good_evidence,
)

PACK = default_pack(POLICY)
DEMANDING = PolicyPack(
    version="s",
    owner="rules desk",
    limits=PACK.limits,
    identity=IdentityRule(agree=("plate", "card", "container"), pieces=STANDARD_PIECES),
)


def read(*numbers: str) -> Evidence:
    return replace(
        good_evidence(), containers=ContainerEvidence(numbers=numbers) if numbers else None
    )


def carrying(*numbers: str, kind: Kind | None = None) -> Declaration:
    return replace(a_declaration(containers=numbers), kind=kind, tare_kg=a_declaration().gross_kg)


def reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack = PACK
) -> tuple[str, ...]:
    verdict = decide(evidence, [declaration], pack, DECIDED_AT.wall_ms)
    return tuple(reason.value for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("seen", "declared", "said", "expected"),
    [
        ((BOX,), carrying(BOX), Says.FITS, ()),
        ((BOX,), carrying("csqu 305438-3"), Says.FITS, ()),
        ((BOX,), carrying(OTHER_BOX, BOX), Says.FITS, ()),  # the other one was not seen
        ((BOX, OTHER_BOX), carrying(OTHER_BOX, BOX), Says.FITS, ()),
        ((OTHER_BOX,), carrying(BOX), Says.CONTRADICTS, ("container_differs",)),
        ((BOX, OTHER_BOX), carrying(BOX), Says.CONTRADICTS, ("container_differs",)),
        ((BOX,), carrying(kind=Kind.EMPTY), Says.CONTRADICTS, ("container_differs",)),
        ((BOX,), carrying(), Says.NOTHING, ()),
        ((), carrying(BOX), Says.NOTHING, ()),
    ],
)
def test_the_declared_container_fits_and_any_other_is_a_persons(
    seen: tuple[str, ...], declared: Declaration, said: Says, expected: tuple[str, ...]
) -> None:
    if "csqu 305438-3" in declared.containers:
        expected = ("container_invalid",)  # an import writes them without separators
    assert said_of("container", read(*seen), declared, PACK, is_named=True) is said
    assert reasons(read(*seen), declared) == expected


def test_a_container_weighs_what_policy_says() -> None:
    rule = next(each for each in STANDARD_PIECES if each.piece == "container")
    declared = carrying(BOX)
    none, own, other = (
        identity_of(each, [declared], PACK).papers[0]
        for each in (read(), read(BOX), read(OTHER_BOX))
    )
    assert own.stranger_milli_nats - none.stranger_milli_nats == rule.chance_milli_nats
    assert other.milli_nats - none.milli_nats == rule.wrong_milli_nats


def test_where_policy_demands_containers_every_declared_one_has_to_be_read() -> None:
    assert reasons(read(BOX), carrying(BOX), DEMANDING) == ()
    assert reasons(read(), carrying(BOX), DEMANDING) == ("identity_unproven",)
    assert reasons(read(BOX), carrying(BOX, OTHER_BOX), DEMANDING) == ("identity_unproven",)
    assert reasons(read(), carrying(), DEMANDING) == ("identity_unproven",)  # no way around it
    assert reasons(read(), carrying(kind=Kind.EMPTY), DEMANDING) == ()
    assert reasons(read(), carrying(BOX)) == ()


def test_while_nobody_listens_for_the_camera_a_declared_container_is_a_persons() -> None:
    lost = replace(read(BOX), faults=frozenset({FaultCode.CONTAINER_CAMERA}))
    assert reasons(lost, carrying(BOX)) == ("identity_unproven",)
    assert reasons(lost, carrying()) == ()


# -- at the lane


def test_a_number_with_a_wrong_check_digit_says_nothing() -> None:
    story = LaneStory().ready().truck_arrives().containers_are_read("CSQU3054384", "CSQU305438", "")
    assert story.passage.containers is None
    story.containers_are_read("csqu 305438-3")
    assert story.passage.containers is not None
    assert story.passage.containers.numbers == (BOX,)


def test_only_what_is_read_while_the_vehicle_is_checked_is_its_own() -> None:
    story = LaneStory().ready().containers_are_read(OTHER_BOX).truck_arrives()
    now, story.at = story.at, after(story.at, -30.0)
    story.containers_are_read(OTHER_BOX)
    story.at = now
    assert story.passage.containers is None
    story.plate_is_read().containers_are_read(BOX).drives_on().card()
    story.manifest_answers(carrying(BOX)).containers_are_read(OTHER_BOX)
    assert story.verdict == (Outcome.RELEASE, ())
    (decided,) = story.records(PassageDecided)
    assert decided.evidence.containers is not None
    assert decided.evidence.containers.numbers == (BOX,)
    assert decided.evidence.containers.age_ms > 0


def test_another_container_is_held() -> None:
    story = LaneStory().ready().truck_arrives().containers_are_read(OTHER_BOX)
    story.plate_is_read().drives_on().card().manifest_answers(carrying(BOX))
    assert story.verdict == (Outcome.HOLD, ("container_differs",))


def test_where_policy_demands_them_the_lane_waits_for_the_containers() -> None:
    story = LaneStory().ready()
    story.happens(PolicyChanged(pack=DEMANDING))
    story.waits_for_verdict().manifest_answers(carrying(BOX))
    assert story.phase is Phase.GATHERING
    story.passes(2.0).weighs(story.lane.weight_state, story.lane.weight_kg)
    story.containers_are_read(BOX)
    story.manifest_answers(carrying(BOX))
    assert story.verdict == (Outcome.RELEASE, ())


@pytest.mark.parametrize(
    "declared", [carrying(kind=Kind.EMPTY), carrying()], ids=["empty", "none declared"]
)
def test_it_does_not_wait_for_what_cannot_come(declared: Declaration) -> None:
    story = LaneStory().ready()
    story.happens(PolicyChanged(pack=DEMANDING))
    story.waits_for_verdict().manifest_answers(declared)
    assert story.phase is not Phase.GATHERING


def test_it_does_not_wait_on_once_another_container_was_read() -> None:
    story = LaneStory().ready()
    story.happens(PolicyChanged(pack=DEMANDING))
    story.truck_arrives().containers_are_read(OTHER_BOX).plate_is_read().drives_on().card()
    story.manifest_answers(carrying(BOX))
    assert story.verdict == (Outcome.HOLD, ("identity_unproven", "container_differs"))


def test_containers_that_never_come_are_a_persons_when_time_is_up() -> None:
    story = LaneStory().ready()
    story.happens(PolicyChanged(pack=DEMANDING))
    story.waits_for_verdict().manifest_answers(carrying(BOX))
    waited_s = 0.0
    while story.passage.lookup is None:
        story.passes(0.1)
        waited_s += 0.1
    assert waited_s == pytest.approx(story.policy.gather_timeout_s, abs=10.0)
    story.manifest_answers(carrying(BOX))
    outcome, found = story.verdict
    assert outcome is Outcome.HOLD
    assert "identity_unproven" in found


def test_a_camera_that_goes_on_naming_others_does_not_fill_the_record() -> None:
    story = LaneStory().ready().truck_arrives()
    numbers = [f"CSQU{n:06}" for n in range(30)]
    story.containers_are_read(*(f"{each}{check_digit(each)}" for each in numbers))
    assert story.passage.containers is not None
    assert len(story.passage.containers.numbers) == CONTAINERS_MAX


def test_what_was_read_is_in_the_journal() -> None:
    event = ContainersRead(numbers=(BOX, OTHER_BOX))
    assert decode_event(*encode_event(event)) == event
