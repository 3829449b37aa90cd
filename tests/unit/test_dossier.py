"""The dossier of a passage: everything that the lane knew, sealed, and judged again from it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gate_agent.domain.dossier import ClockStep, clocks_of, replayed
from gate_agent.domain.events import AgentStarted, FaultCleared, FaultRaised, PlateRead
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.policy_pack import policy_hash
from gate_agent.domain.vocabulary import Instant, Outcome
from gate_agent.proof import verify
from gate_agent.store import sealing
from gate_agent.wire import dossier, v1
from gate_agent.wire.dossier import DossierError, judgment_of
from tests.builders import POLICY, START, a_declaration, after
from tests.kept_lane import KeptStory, contents, rows, sealed

SHA = "9f" * 32


@pytest.fixture
def story(tmp_path: Path) -> Iterator[KeptStory]:
    with closing(KeptStory(tmp_path)) as told:
        told.ready()
        yield told


def replays(content: bytes) -> list[bool]:
    judgment = judgment_of(content)
    return [replayed(judgment.decided(each)) == each.verdict for each in judgment.decisions]


def whole(content: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(content)
    return found


def test_every_passage_is_sealed_in_the_commit_that_closes_it(story: KeptStory) -> None:
    story.passage_released().passage_turned_back().passage_released()
    types = [json.loads(row.body)["type"] for row in rows(story.path)]
    closings = [number for number, type_ in enumerate(types) if type_ == "passage_closed"]
    assert len(closings) == 3
    assert all(types[number + 1] == "passage_sealed" for number in closings)
    for seal, content in zip(sealed(story.path), contents(story.path), strict=True):
        assert seal.sha256 == dossier.sha256(content)
        assert seal.is_whole
        assert judgment_of(content).passage_id == seal.passage_id
        assert replays(content) == [True]


def test_a_dossier_has_every_input_of_the_verdict_and_its_way_to_it(story: KeptStory) -> None:
    story.truck_arrives()
    story.happens(
        PlateRead(
            passage_id=story.passage.passage_id,
            attempt=1,
            text="粤B12345",
            plate_class="mainland",
            confidence_permille=990,
            frames_agreed=3,
            frames_seen=3,
            picture_id=SHA,
            model_id="ppocr4-1234",
        )
    )
    story.drives_on().card().manifest_answers().boom_goes_up().drives_out().passes(2.0)
    story.boom_comes_down()
    (content,) = contents(story.path)
    found = whole(content)
    assert found["format"] == "kakou-dossier-1"
    assert found["pictures"] == [SHA]
    assert found["models"] == ["ppocr4-1234"]
    assert found["software"] == "test"
    assert [*found["policies"]] == [policy_hash(story.lane.pack)]  # type: ignore[misc]
    events = [event["type"] for event in found["events"]]  # type: ignore[attr-defined]
    assert events[0] == "InputsChanged"
    assert {"PlateRead", "CardPresented", "WeightObserved", "DeclarationsFound"} < {*events}
    noted = [record["type"] for record in found["records"]]  # type: ignore[attr-defined]
    assert noted == ["PassageOpened", "PictureTaken", "PassageDecided", "PassageClosed"]
    links = {row.seq: row.chain for row in rows(story.path)}
    for record in found["records"]:  # type: ignore[attr-defined]
        assert record["chain"] == links[record["seq"]]
    (decision,) = judgment_of(content).decisions
    assert decision.declarations == story.declarations
    assert decision.evidence.plate is not None
    assert decision.evidence.plate.picture_id == SHA
    assert "." not in json.dumps(found["decisions"]), "a number that is not whole"


def test_equal_passages_have_equal_bytes_and_the_bytes_are_canonical(story: KeptStory) -> None:
    story.passage_released()
    (content,) = contents(story.path)
    assert content == dossier.canonical(json.loads(content))
    assert b'": ' not in content
    assert (
        content
        == json.dumps(
            json.loads(content), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        ).encode()
    )


def test_a_passage_that_becomes_a_persons_after_the_verdict_is_judged_again_step_by_step(
    story: KeptStory,
) -> None:
    story.waits_for_verdict().manifest_answers().raise_fails()
    story.supervisor(Outcome.REFUSE)
    story.backs_out()
    story.leaves_by_entry()
    (content,) = contents(story.path)
    judgment = judgment_of(content)
    assert [each.verdict.outcome for each in judgment.decisions] == [Outcome.RELEASE, Outcome.HOLD]
    assert judgment.decisions[1].handed_over_for is not None
    assert replays(content) == [True, True]
    noted = [record["type"] for record in whole(content)["records"]]  # type: ignore[attr-defined]
    assert "PassageOverridden" in noted


def test_a_verdict_that_was_altered_is_not_made_again(story: KeptStory) -> None:
    story.passage_turned_back()
    (content,) = contents(story.path)
    judgment = judgment_of(content)
    (decision,) = judgment.decisions
    assert decision.verdict.outcome is not Outcome.RELEASE
    forged = replace(decision.verdict, outcome=Outcome.RELEASE, reasons=())
    altered = msgspec.structs.replace(decision, verdict=forged)
    assert replayed(judgment.decided(altered)) != forged


# -- time and restarts


def test_an_agent_killed_in_mid_passage_leaves_one_dossier_that_says_so(story: KeptStory) -> None:
    story.waits_for_verdict()
    story.dies().finds_its_vehicle().supervisor(Outcome.RELEASE)
    story.boom_goes_up().drives_out().passes(2.0).boom_comes_down()
    (seal,), (content,) = sealed(story.path), contents(story.path)
    assert (seal.restarts, seal.clock_steps, seal.is_clock_set) == (1, 0, True)
    assert seal.is_whole
    assert "AgentStarted" in [event["type"] for event in whole(content)["events"]]  # type: ignore[attr-defined]
    assert replays(content) == [True]


def test_a_machine_that_reboots_in_mid_passage_is_told_from_one_whose_clock_was_set(
    story: KeptStory,
) -> None:
    story.waits_for_verdict()
    story.reboots().finds_its_vehicle().supervisor(Outcome.REFUSE)
    story.backs_out()
    story.leaves_by_entry()
    (seal,), (content,) = sealed(story.path), contents(story.path)
    assert seal.restarts == 1
    assert seal.clock_steps == 0
    assert whole(content)["clocks"] == {"reboots": 1, "steps": [], "is_set": True}
    assert replays(content) == [True]


def test_a_machine_that_wakes_up_in_1970_says_so_and_releases_nobody(story: KeptStory) -> None:
    story.reboots(wall_ms=5_000).ready()
    story.waits_for_verdict()
    story.manifest_answers()
    assert story.passage.verdict is not None
    assert story.passage.verdict.outcome is not Outcome.RELEASE
    story.supervisor(Outcome.REFUSE)
    story.backs_out()
    story.leaves_by_entry()
    (seal,), (content,) = sealed(story.path), contents(story.path)
    assert not seal.is_clock_set
    assert replays(content) == [True]


@pytest.mark.parametrize("by_ms", [3_600_000, -3_600_000, 1_500, -1_500])
def test_a_wall_clock_that_is_set_in_mid_passage_is_in_its_dossier(
    story: KeptStory, by_ms: int
) -> None:
    story.truck_arrives().plate_is_read()
    story.at = Instant(story.at.mono_s, story.at.wall_ms + by_ms)
    story.drives_on().card().manifest_answers()
    story.supervisor(Outcome.REFUSE)
    if story.lane.passage is not None and story.lane.passage.verdict is not None:
        story.boom_goes_up().drives_out().passes(2.0).boom_comes_down()
    if story.lane.passage is not None:
        story.backs_out()
        story.leaves_by_entry()
    (seal,), (content,) = sealed(story.path), contents(story.path)
    assert seal.clock_steps == 1
    (step,) = whole(content)["clocks"]["steps"]  # type: ignore[index]
    assert step["by_ms"] == by_ms
    assert replays(content) == [True]
    assert verify.database(story.path).is_intact


def test_clocks_that_drift_within_a_second_were_not_set() -> None:
    quiet = [(n, Instant(n * 1.0, START.wall_ms + n * 1000 + n % 7)) for n in range(50)]
    assert clocks_of(quiet).steps == ()
    hours = [(1, START), (2, Instant(START.mono_s + 7_200, START.wall_ms + 7_205_000))]
    assert clocks_of(hours).steps == (ClockStep(seq=2, by_ms=5_000),)
    slewed = [(1, START), (2, Instant(START.mono_s + 7_200, START.wall_ms + 7_204_500))]
    assert clocks_of(slewed).steps == ()
    raced = [(1, after(START, 0.3)), (2, START), (3, after(START, 0.4))]
    assert clocks_of(raced).reboots == 0


# -- size, versions, damage


def test_a_vehicle_that_stands_for_hours_still_has_a_dossier_that_fits_into_a_message(
    story: KeptStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "HALF_EVENTS", 40)
    story.truck_arrives().plate_is_read().drives_on().card("0BAD").manifest_answers()
    for number in range(3 * sealing.HALF_EVENTS):
        story.at = after(story.at, 1.0)
        story.sees(exit_loop=bool(number % 2))
    story.sees(exit_loop=False).backs_out()
    story.leaves_by_entry()
    (seal,), (content,) = sealed(story.path), contents(story.path)
    assert not seal.is_whole
    found = whole(content)
    kinds = [event["type"] for event in found["events"]]  # type: ignore[attr-defined]
    assert kinds.count("InputsChanged") + kinds.count("WeightObserved") <= 80
    assert {"PlateRead", "CardPresented", "DeclarationsFound"} < {*kinds}
    assert found["events_left_out"] > sealing.HALF_EVENTS  # type: ignore[operator]
    assert len(v1.encode(seal)) < 10_000
    assert replays(content) == [True]


def test_an_order_amid_a_thousand_faults_of_a_flapping_link_is_in_the_dossier(
    story: KeptStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "HALF_EVENTS", 40)
    monkeypatch.setattr(sealing, "HALF_RECORDS", 40)

    def flaps() -> None:
        for number in range(120):
            story.at = after(story.at, 1.0)
            kind = FaultCleared if number % 2 else FaultRaised
            story.happens(kind(code=FaultCode.UPLINK))

    story.truck_arrives().plate_is_read().drives_on().card("0BAD").manifest_answers()
    flaps()
    story.supervisor(Outcome.RELEASE)
    flaps()
    story.boom_goes_up().drives_out().passes(2.0).boom_comes_down()
    (seal,), (content,) = sealed(story.path), contents(story.path)
    assert not seal.is_whole
    found = whole(content)
    noted = [record["type"] for record in found["records"]]  # type: ignore[attr-defined]
    assert 0 < noted.count("FaultChanged") <= 2 * sealing.HALF_RECORDS
    telling = [kind for kind in noted if kind not in ("FaultChanged", "AlarmRaised")]
    assert telling == ["PassageOpened", "PassageDecided", "PassageOverridden", "PassageClosed"]
    flaps_in_all = len(noted) + int(str(found["records_left_out"])) - len(telling)
    assert flaps_in_all >= 2 * 120
    seqs = [record["seq"] for record in found["records"]]  # type: ignore[attr-defined]
    assert seqs == sorted(seqs)
    kinds = [event["type"] for event in found["events"]]  # type: ignore[attr-defined]
    assert {"PlateRead", "CardPresented", "DeclarationsFound", "Overridden"} < {*kinds}
    assert replays(content) == [True]


def test_a_passage_that_an_older_version_opened_is_sealed_as_not_whole(story: KeptStory) -> None:
    story.waits_for_verdict()
    story.close()
    with closing(sqlite3.connect(story.path)) as writer:
        writer.execute("UPDATE snapshot SET opened_seq = 0")
        writer.execute("DELETE FROM unsealed")
        writer.commit()
    story.dies()
    story.manifest_answers().boom_goes_up().drives_out().passes(2.0).boom_comes_down()
    (seal,), (content,) = sealed(story.path), contents(story.path)
    assert not seal.is_whole
    assert whole(content)["is_whole"] is False
    assert replays(content) == [True]


def test_a_passage_whose_beginning_the_journal_no_longer_has_is_sealed_as_not_whole(
    story: KeptStory,
) -> None:
    story.waits_for_verdict()
    story.store.trim_journal(keep_rows=3)
    story.store._db.execute("DELETE FROM journal WHERE seq < 8")
    story.store._db.conn.commit()
    story.manifest_answers().boom_goes_up().drives_out().passes(2.0).boom_comes_down()
    (seal,), (content,) = sealed(story.path), contents(story.path)
    assert not seal.is_whole
    assert replays(content) == [True]


def test_the_next_vehicle_that_is_there_already_has_its_own_dossier(story: KeptStory) -> None:
    story.waits_for_verdict().manifest_answers().boom_goes_up().drives_out()
    story.sees(entry_loop=True).passes(2.0).boom_comes_down()
    assert story.lane.passage is not None
    story.plate_is_read().drives_on().card().manifest_answers(a_declaration())
    story.boom_goes_up().drives_out().passes(2.0).boom_comes_down()
    first, second = (judgment_of(content) for content in contents(story.path))
    assert first.passage_id != second.passage_id
    one, two = (whole(content) for content in contents(story.path))
    assert one["events"][-1]["seq"] == two["events"][0]["seq"]  # type: ignore[index]
    assert {r["seq"] for r in one["records"]}.isdisjoint(r["seq"] for r in two["records"])  # type: ignore[attr-defined]


def test_sealing_costs_the_lane_little(story: KeptStory) -> None:
    """The commit that seals is one commit: a failed one is tried again and seals once."""
    story.waits_for_verdict().manifest_answers().boom_goes_up().drives_out().passes(2.0)
    story.boom_comes_down()
    assert len(sealed(story.path)) == 1
    story.dies()
    story.happens(AgentStarted(policy=POLICY, version="next"))
    assert len(sealed(story.path)) == 1


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda c: c[:-5], "dossier"),
        (lambda c: c.replace(b"kakou-dossier-1", b"kakou-dossier-9"), "format"),
        (lambda c: c.replace(b'"wall_ms":', b'"wall":'), "wall_ms"),
        (lambda _: b"[" * 100_000, "dossier"),
        (lambda _: b"\xff", "dossier"),
        (lambda c: c.replace(b'"policies":{"', b'"policies":{"x'), "policy"),
    ],
)
def test_what_is_no_dossier_is_refused_by_its_field(
    story: KeptStory, spoil: object, complaint: str
) -> None:
    story.passage_released()
    (content,) = contents(story.path)
    with pytest.raises(DossierError, match=complaint):
        judgment_of(spoil(content))  # type: ignore[operator]


def test_a_dossier_that_unpacks_without_end_is_refused() -> None:
    bomb = dossier.packed(b"\0" * (dossier.MAX_BYTES + 1))
    for packed in (bomb, dossier.packed(b"x" * 1000)[:-4], b"not zlib"):
        with pytest.raises(DossierError, match="dossier"):
            dossier.unpacked(packed)
