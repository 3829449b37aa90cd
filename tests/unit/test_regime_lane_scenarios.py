"""Scenarios of the port's regimes that take a whole lane: named after their rows.

Those that a single verdict shows are in test_regime_scenarios.py; docs/reference/regimes.md maps
every row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gate_agent.domain.decision import Obligation
from gate_agent.domain.effects import (
    ClaimDeclaration,
    Effect,
    FindDeclarations,
    LowerBarrier,
    MarkUsed,
    RaiseBarrier,
    RequestPlate,
)
from gate_agent.domain.events import (
    BarrierMoved,
    CardPresented,
    DeclarationsFound,
    InputsChanged,
    Overridden,
    PlateRead,
    PolicyChanged,
    TagRead,
    WeightObserved,
)
from gate_agent.domain.evidence import PlateCandidate
from gate_agent.domain.lane import step
from gate_agent.domain.manifest import AgencyAnswer, AgencyState, Documents
from gate_agent.domain.policy_pack import AgencyRule, LaneProfile, PolicyPack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.records import (
    Alarm,
    CommandRefused,
    PassageClosed,
    PassageDecided,
    PassageOverridden,
    Refusal,
)
from gate_agent.domain.vocabulary import Barrier, LaneId, Outcome, Phase, WeightState
from gate_agent.proof import verify
from gate_agent.proof.files import Found
from gate_agent.proof.replay import again, rehearsed
from gate_agent.wire import v1
from gate_agent.wire.dossier import judgment_of
from tests.builders import (
    GROSS_KG,
    HOUR_MS,
    PACK,
    PLATE,
    TAG,
    LaneStory,
    a_declaration,
    good_evidence,
)
from tests.golden_life import Life
from tests.kept_lane import contents, rows, sealed
from tests.policy_cases import (
    NOW_MS,
    a_full_declaration,
    an_account,
    changed_pack,
    decided,
    judged,
)
from tests.policy_cases import PACK as DEMANDING

SHA = "9f" * 32


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with closing(Life(tmp_path / "lane")) as told:
        yield told


def agencies(**states: AgencyState) -> tuple[AgencyAnswer, ...]:
    return tuple(
        AgencyAnswer(agency=name, state=state, at_ms=NOW_MS - 60_000)
        for name, state in states.items()
    )


def records(life: Life) -> list[v1.RecordBody]:
    """What the lane reported, in order."""
    return [v1.decode_body(row.body) for row in rows(life.path)]


def a_picture_of_the_plate(life: Life) -> None:
    life.happens(
        PlateRead(
            passage_id=life.passage.passage_id,
            attempt=life.passage.plate_attempt,
            text=PLATE,
            plate_class="mainland",
            confidence_permille=990,
            frames_agreed=3,
            frames_seen=3,
            picture_id=SHA,
            model_id="m1",
        )
    )


# -- one flow, one record


def test_row_1_one_number_links_declaration_inspection_and_what_is_still_owed(life: Life) -> None:
    life.under(DEMANDING).comes(a_full_declaration(accounts=(an_account(),)))
    (used,) = life.all(MarkUsed)
    passage_id = life.passage.passage_id
    life.ends()
    held = a_full_declaration(declaration_id="D2", agencies=agencies(customs=AgencyState.HOLD))
    life.comes(held).ends()
    told = records(life)
    first, second = (body for body in told if isinstance(body, v1.PassageDecided))
    assert used.passage_id == first.passage_id == passage_id
    assert used.declaration_id == "D1"
    assert first.declaration is not None
    assert first.declaration.declaration_id == "D1"
    assert {each.code for each in first.obligations} == {"documents", "list_declaration"}
    assert (second.outcome, second.place) == ("inspect", "bay 3")
    closed = [body.passage_id for body in told if isinstance(body, v1.PassageClosed)]
    assert closed == [first.passage_id, second.passage_id]


def test_row_2a_what_the_lane_saw_and_where_it_was_is_attached_to_the_passage(life: Life) -> None:
    life.ready().truck_arrives()
    a_picture_of_the_plate(life)
    life.drives_on().card()
    life.told(a_declaration()).ends()
    (content,) = contents(life.path)
    found = json.loads(content)
    assert (found["pictures"], found["models"]) == ([SHA], ["m1"])
    types = [event["type"] for event in found["events"]]
    assert {"InputsChanged", "PlateRead", "WeightObserved", "BarrierMoved"} <= {*types}
    taken = [body for body in records(life) if isinstance(body, v1.PictureTaken)]
    assert [each.passage_id for each in taken] == [found["passage_id"]]


def test_row_2b_a_plate_counts_by_its_confidence_its_frames_and_what_else_it_could_be() -> None:
    def read(**changed: object) -> tuple[Reason, ...]:
        evidence = good_evidence()
        assert evidence.plate is not None
        plate = replace(evidence.plate, **changed)  # type: ignore[arg-type]
        found = judged(a_full_declaration(), evidence=replace(evidence, plate=plate))
        return found.reasons

    limits = DEMANDING.limits
    assert read(confidence_permille=limits.min_plate_confidence_permille) == ()
    assert read(confidence_permille=limits.min_plate_confidence_permille - 1) == (
        Reason.PLATE_DOUBTFUL,
    )
    assert read(frames_agreed=limits.min_plate_frames - 1) == (Reason.PLATE_DOUBTFUL,)
    neighbor = (
        PlateCandidate(text=PLATE, milli_nats=-20),
        PlateCandidate(text="粤B12346", milli_nats=-4_000),
    )
    assert read(candidates=neighbor, none_milli_nats=-9_000) == (Reason.PLATE_AMBIGUOUS,)


def test_row_2b_the_declared_tag_must_not_contradict_the_plate() -> None:
    for tag, outcome in ((TAG, Outcome.RELEASE), ("E2FF", Outcome.HOLD)):
        story = LaneStory().ready().truck_arrives().plate_is_read().tag_is_seen(tag)
        story.drives_on().card().manifest_answers(a_declaration(tag_id=TAG))
        assert story.verdict[0] is outcome


@pytest.mark.parametrize(
    ("off_kg", "outcome"),
    [
        (960, Outcome.RELEASE),
        (-960, Outcome.RELEASE),
        (980, Outcome.HOLD),
        (-980, Outcome.HOLD),
        (1_940, Outcome.INSPECT),
    ],
)
def test_row_2d_what_stands_on_the_scale_is_held_against_the_declared_weight(
    off_kg: int, outcome: Outcome
) -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    story.drives_on(GROSS_KG + off_kg).card().manifest_answers()
    assert story.verdict[0] is outcome
    assert story.raises() == (1 if outcome is Outcome.RELEASE else 0)


def test_row_2e_the_boom_goes_up_once_and_comes_down_only_behind_the_vehicle() -> None:
    story = LaneStory().ready().waits_for_verdict().manifest_answers()
    assert len(story.all(RaiseBarrier)) == 1
    story.boom_goes_up().sees(front_beam=True).passes(5.0)
    story.weighs(WeightState.EMPTY, 0).sees(exit_loop=True).passes(5.0)
    assert story.all(LowerBarrier) == [], "the vehicle stands under it"
    story.sees(front_beam=False).passes(5.0)
    assert story.all(LowerBarrier) == [], "the vehicle stands on the exit loop"
    story.sees(exit_loop=False).passes(2.0)
    assert len(story.all(LowerBarrier)) == 1
    story.boom_comes_down()
    assert story.phase is Phase.IDLE


@pytest.mark.parametrize("position", [each for each in Barrier if each is not Barrier.CLOSED])
def test_row_2e_nobody_is_released_while_the_boom_is_not_known_to_be_down(
    position: Barrier,
) -> None:
    story = LaneStory().ready().truck_arrives().boom(position).plate_is_read().drives_on().card()
    story.manifest_answers()
    assert story.verdict[0] is not Outcome.RELEASE
    assert story.raises() == 0


def test_row_5_what_replaces_the_look_is_all_there_and_is_kept_raw(life: Life) -> None:
    """Whatever one machine does not say, a person looks at; what they said is in the dossier."""
    whole = good_evidence()
    for missing in (
        replace(whole, plate=None),
        replace(whole, card=None),
        replace(whole, weight=None),
    ):
        assert judged(a_full_declaration(), evidence=missing).outcome is Outcome.HOLD
    life.ready().truck_arrives().plate_is_read().drives_on()
    raw = (GROSS_KG - 20, GROSS_KG, GROSS_KG + 20)
    life.happens(
        WeightObserved(state=WeightState.SETTLED, gross_kg=GROSS_KG, division_kg=20, window_kg=raw)
    )
    life.card()
    life.told(a_declaration()).ends()
    (content,) = contents(life.path)
    (decision,) = judgment_of(content).decisions
    assert decision.verdict.outcome is Outcome.RELEASE
    windows = [
        tuple(event["body"]["window_kg"])
        for event in json.loads(content)["events"]
        if event["type"] == "WeightObserved"
    ]
    assert raw in windows
    assert decision.evidence.plate is not None
    assert (decision.evidence.plate.frames_agreed, decision.evidence.plate.frames_seen) == (5, 6)


def test_row_15_a_lane_inland_is_the_same_lane_under_a_profile_of_its_own() -> None:
    """Nothing in a verdict knows of the sea: another lane id, its profile, and the same rules."""
    inland = replace(good_evidence(), lane_id=LaneId("depot1"))
    paper = LaneProfile(lane="depot1", is_manual=True)
    both = changed_pack(lanes=(*DEMANDING.lanes, paper))
    assert judged(a_full_declaration(), both).outcome is Outcome.RELEASE
    assert judged(a_full_declaration(), both, inland).reasons == (Reason.LANE_MANUAL,)
    alike = changed_pack(lanes=(msgspec.structs.replace(DEMANDING.lanes[0], lane="depot1"),))
    at_port, at_depot = decided(a_full_declaration()), decided(a_full_declaration(), alike, inland)
    assert at_depot.verdict == at_port.verdict


def test_row_21_devices_hub_and_people_speak_in_one_kind_of_event() -> None:
    """One journal has them all, and tells the whole story again by itself."""
    story = LaneStory().ready().truck_arrives().plate_is_read().tag_is_seen(TAG).drives_on().card()
    story.manifest_answers(a_declaration(gross_kg=GROSS_KG + 1_500))
    story.supervisor(Outcome.RELEASE)
    story.boom_goes_up().drives_out().passes(2.0).boom_comes_down()
    kinds = {type(stamped.event) for stamped in story.journal}
    assert {
        InputsChanged,
        PlateRead,
        TagRead,
        CardPresented,
        WeightObserved,
        BarrierMoved,
        DeclarationsFound,
        Overridden,
    } <= kinds
    lane, effects = story.first, list[Effect]()
    for stamped in story.journal:
        result = step(lane, stamped.event, stamped.at)
        lane = result.lane
        effects += result.effects
    assert (lane, effects) == (story.lane, story.effects)


def test_row_22_what_a_person_did_and_what_he_tried_are_on_record_with_his_name() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers(a_declaration(gross_kg=GROSS_KG + 1_500))
    story.supervisor(Outcome.RELEASE, valid_s=-1.0)
    (refused,) = story.records(CommandRefused)
    assert refused.why is Refusal.EXPIRED
    assert refused.passage_id == story.passage.passage_id
    story.supervisor(Outcome.RELEASE)
    (done,) = story.records(PassageOverridden)
    assert (done.by, done.reason, done.decision) == ("li.wei", "checked", Outcome.RELEASE)
    assert done.command_id != refused.command_id
    story.boom_goes_up().drives_out().passes(2.0).boom_comes_down()
    (closed,) = story.records(PassageClosed)
    assert closed.decided_by == "li.wei"
    (verdict,) = story.records(PassageDecided)
    assert verdict.verdict.outcome is Outcome.HOLD, "the lane's own verdict stays beside it"


def test_row_23_passages_of_the_past_are_judged_again_in_a_batch(life: Life) -> None:
    """A finding of today shows which releases of before it concerns."""
    life.ready()
    for kg in (GROSS_KG, GROSS_KG + 900, GROSS_KG):
        life.comes(a_declaration(), kg=kg).ends().passes(60.0)  # it comes round the port
    past = [Found(place=str(n), content=each) for n, each in enumerate(contents(life.path))]
    assert all(made.is_identical for found in past for made in again(found))
    narrow = msgspec.structs.replace(PACK.limits, weight_tolerance_permille=20)
    stricter = msgspec.structs.replace(PACK, version="2", limits=narrow)
    now = [made for found in past for made in rehearsed(found, stricter)]
    assert [made.recorded.outcome for made in now] == [Outcome.RELEASE] * 3
    assert [made.now.reasons for made in now] == [(), (Reason.WEIGHT_DIFFERS,), ()]


def test_row_29_the_truck_waits_for_nothing_that_could_be_done_without_it() -> None:
    """With the last evidence the verdict is there: documents were asked for in advance."""
    story = LaneStory().ready().waits_for_verdict()
    before = story.at
    story.manifest_answers()
    assert story.verdict[0] is Outcome.RELEASE
    assert story.at == before, "the verdict is there with the last evidence"
    assert len(story.all(ClaimDeclaration)) == 1, "the hub is asked once, whether it is still free"
    waiting = LaneStory().ready().waits_for_verdict()
    waiting.manifest_answers(a_declaration(documents=Documents.PENDING))
    assert waiting.verdict == (Outcome.HOLD, ("documents_pending",)), "it is not done at the lane"


def test_row_32_a_boom_forced_or_left_open_is_an_alarm_and_nobody_is_released_under_it() -> None:
    forced = LaneStory().ready().boom(Barrier.FORCED)
    assert forced.alarms() == [Alarm.BOOM_FORCED]
    left_open = LaneStory().ready().boom(Barrier.OPEN)
    assert left_open.passes(3.0).alarms() == [], "somebody may have opened it for a moment"
    assert left_open.passes(11.0).alarms() == [Alarm.BOOM_LEFT_OPEN]
    for story in (forced, left_open):
        story.truck_arrives().plate_is_read().drives_on().card().manifest_answers()
        assert story.verdict[0] is not Outcome.RELEASE
    left_open.drives_out().passes(2.0)
    assert Alarm.LEFT_UNRELEASED in left_open.alarms(), "and who drives out under it is named"


def test_row_35_every_passage_leaves_one_sealed_file_and_no_paper(life: Life) -> None:
    life.ready()
    for paper in (a_declaration(), a_declaration(holds=("customs",)), None):
        life.comes(*([] if paper is None else [paper])).ends()
    seals, files = sealed(life.path), [judgment_of(content) for content in contents(life.path)]
    assert [each.decisions[-1].verdict.outcome for each in files] == [
        Outcome.RELEASE,
        Outcome.INSPECT,
        Outcome.REFUSE,
    ]
    assert [seal.passage_id for seal in seals] == [each.passage_id for each in files]
    assert all(seal.is_whole for seal in seals)
    opened = [body.passage_id for body in records(life) if isinstance(body, v1.PassageOpened)]
    assert opened == [seal.passage_id for seal in seals]


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE outbox SET body = CAST(replace(CAST(body AS TEXT), 'release', 'refuse') AS BLOB)"
        " WHERE seq = {decided}",
        "DELETE FROM outbox WHERE seq = {decided}",
        "UPDATE outbox SET at_ms = at_ms + 1 WHERE seq = {decided}",
    ],
)
def test_row_44_no_record_is_altered_or_taken_out_unnoticed(life: Life, deed: str) -> None:
    life.ready()
    life.comes(a_declaration()).ends()
    assert verify.database(life.path).is_intact
    (decided_seq,) = (
        row.seq
        for row in rows(life.path)
        if isinstance(v1.decode_body(row.body), v1.PassageDecided)
    )
    life.close()
    with closing(sqlite3.connect(life.path)) as writer:
        assert writer.execute(deed.format(decided=decided_seq)).rowcount == 1
        writer.commit()
    assert not verify.database(life.path).is_intact


# -- several agencies, one lane


def test_row_52_one_reading_serves_every_agency() -> None:
    """Two agencies, one plate request, one weighing, one look-up for the verdict of both."""
    several = PolicyPack(
        version="1",
        owner="port rules desk",
        limits=PACK.limits,
        agencies=(AgencyRule(agency="customs"), AgencyRule(agency="quarantine")),
    )
    agreed = agencies(customs=AgencyState.AGREED, quarantine=AgencyState.AGREED)
    alone, both = LaneStory().ready(), LaneStory().ready()
    both.happens(PolicyChanged(pack=several))
    for story in (alone, both):
        story.waits_for_verdict()
        story.manifest_answers(replace(a_declaration(), agencies=agreed))
        assert story.verdict == (Outcome.RELEASE, ())
    for kind in (RequestPlate, FindDeclarations, RaiseBarrier):
        assert len(both.all(kind)) == len(alone.all(kind))


def test_row_53_seen_together_at_one_stop_and_each_agencys_answer_kept_apart() -> None:
    held = a_full_declaration(
        agencies=agencies(customs=AgencyState.AGREED, quarantine=AgencyState.HOLD)
    )
    verdict = judged(held)
    assert (verdict.outcome, verdict.place) == (Outcome.INSPECT, "bay 9")
    assert verdict.declaration is not None
    kept = {each.agency: each.state for each in verdict.declaration.agencies}
    assert kept == {"customs": AgencyState.AGREED, "quarantine": AgencyState.HOLD}
    assert verdict.declaration.held_by == ("quarantine",)


def test_row_54_checked_before_it_came_and_owed_after_it_left() -> None:
    """What was asked before the arrival counts at the lane; the papers follow after the release."""
    verdict = judged(a_full_declaration())
    assert verdict.outcome is Outcome.RELEASE
    assert verdict.declaration is not None
    checked = [each.checked_at_ms for each in verdict.declaration.items if each.checked_at_ms]
    arrived_ms = good_evidence().arrived_at_ms
    assert all(at_ms < NOW_MS for at_ms in checked)
    assert min(checked) < arrived_ms
    (owed,) = verdict.obligations
    assert owed == Obligation(code="documents", due_ms=NOW_MS + 72 * HOUR_MS)
