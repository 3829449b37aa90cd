"""Every single plate reading is in the record, and an auditor makes the vote again from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
import pytest

from gate_agent.cli import main
from gate_agent.domain.dossier import replayed
from gate_agent.domain.events import PlateRead, PlateSource
from gate_agent.domain.evidence import FrameReading, PlateEvidence
from gate_agent.domain.state import LaneState
from gate_agent.plate_vote import READINGS_PER_FRAME, is_voted, permille, recorded, voted_again
from gate_agent.proof.files import Found
from gate_agent.proof.plates import Look, looks
from gate_agent.store.encoding import decode_event, decode_state, encode_event, encode_state
from gate_agent.wire import v1
from gate_agent.wire.dossier import canonical, judgment_of
from models.lpr.plates import DIGITS, LETTERS, CharacterReading, PlateClass, PlateReading
from models.lpr.vote import vote_all
from tests.builders import PLATE
from tests.kept_lane import KeptStory, contents, rows

AGREEING = ((PLATE, 0.99), (PLATE, 0.985), (PLATE, 0.97))
Frames = Sequence[tuple[int, Sequence[PlateReading]]]


def a_reading(
    text: str,
    confidence: float,
    frame: int,
    doubts: dict[int, tuple[float, tuple[tuple[str, float], ...]]] | None = None,
) -> PlateReading:
    """`doubts`: place -> how sure its character is, and what else it may be."""
    doubts = doubts or {}
    return PlateReading(
        text=text,
        plate_class=PlateClass.BLUE,
        rows=1,
        confidence=confidence,
        characters=tuple(
            CharacterReading(
                character=one,
                confidence=doubts[place][0] if place in doubts else 0.999,
                alternatives=doubts[place][1] if place in doubts else (),
            )
            for place, one in enumerate(text)
        ),
        corners=((1200.0, 800.5), (1400.0, 800.5), (1400.0, 860.0), (1200.0, 860.0)),
        frame_number=frame,
    )


def agreeing() -> Frames:
    return [(1_000_000 + n, [a_reading(*said, 1_000_000 + n)]) for n, said in enumerate(AGREEING)]


def differing() -> Frames:
    """Two frames misread a character each; no frame is the plate, all together are."""
    first = a_reading("粤B12346", 0.5, 7, {6: (0.52, (("5", 0.47),))})
    second = a_reading("粤B1234S", 0.5, 8, {6: (0.51, (("5", 0.46),))})
    third = a_reading("粤B12315", 0.6, 9, {5: (0.6, (("4", 0.39),))})
    return [(7, [first]), (8, [second]), (9, [third]), (10, [])]


def read_of(frames: Frames, passage_id: str, attempt: int = 1) -> PlateRead:
    """As the adapter tells it."""
    votes = vote_all([readings for _, readings in frames])
    return PlateRead(
        passage_id=passage_id,  # type: ignore[arg-type]
        attempt=attempt,
        text=votes[0].text,
        plate_class="blue",
        confidence_permille=permille(votes[0].confidence),
        frames_agreed=votes[0].frames_agreed,
        frames_seen=len(frames),
        picture_id=None,
        readings=recorded(frames, votes[0], 0.5),
    )


def is_same(readings: Sequence[FrameReading], frames: Frames) -> bool:
    found = vote_all([read for _, read in frames])[0]
    return is_voted(
        voted_again(readings),
        found.text,
        permille=permille(found.confidence),
        frames_agreed=found.frames_agreed,
    )


@pytest.fixture
def story(tmp_path: Path) -> Iterator[KeptStory]:
    with closing(KeptStory(tmp_path)) as told:
        told.ready()
        yield told


def passage_with(story: KeptStory, *frames: Frames) -> bytes:
    """The dossier of a passage whose plate was read so, one look after the other."""
    story.truck_arrives()
    for attempt, look in enumerate(frames, start=1):
        story.happens(read_of(look, story.passage.passage_id, attempt))
    story.drives_on().card().manifest_answers().boom_goes_up().drives_out().passes(2.0)
    story.boom_comes_down()
    (content,) = contents(story.path)
    return content


def seen_in(content: bytes) -> list[Look]:
    return list(looks(Found(place="here", content=content)))


def test_the_vote_is_made_again_from_a_sealed_dossier_and_gives_the_recorded_plate(
    story: KeptStory,
) -> None:
    first, second, verdict = seen_in(passage_with(story, differing(), agreeing()))
    assert (first.text, first.now, first.is_same) == (PLATE, PLATE, True)
    assert first.frames_agreed == 0, "no frame alone read this plate"
    assert [each.text for each in first.readings] == ["粤B12346", "粤B1234S", "粤B12315"]
    assert (second.text, second.now, second.is_same) == (PLATE, PLATE, True)
    assert verdict.where.startswith("verdict")
    assert verdict.readings == second.readings, "the verdict rests on the better look"
    assert verdict.is_same


def test_a_reading_says_its_frame_its_confidence_and_its_place_in_the_overview() -> None:
    kept = read_of(agreeing(), "p1").readings
    assert kept[0] == FrameReading(
        frame=1_000_000, text=PLATE, ppm=990_000, left=600, top=400, right=700, bottom=430
    )
    assert [each.frame for each in kept] == [1_000_000, 1_000_001, 1_000_002]


def test_a_reading_takes_at_most_sixty_bytes_where_the_frames_agree() -> None:
    for reading in read_of(agreeing(), "p1").readings:
        assert len(msgspec.json.encode(reading)) <= 60


def test_single_characters_are_kept_only_where_the_vote_needs_them() -> None:
    assert not any(each.doubts for each in read_of(agreeing(), "p1").readings)
    doubts = [
        [doubt.place for doubt in each.doubts] for each in read_of(differing(), "p1").readings
    ]
    assert any(doubts)


def test_no_more_readings_are_kept_than_a_frame_can_have() -> None:
    crowd = [a_reading(f"粤B{n:05}", 0.5 + n / 100, 3) for n in range(READINGS_PER_FRAME + 4)]
    kept = recorded([(3, crowd)], None, 1.0)
    assert len(kept) == READINGS_PER_FRAME
    assert [each.ppm for each in kept] == sorted((e.ppm for e in kept), reverse=True)


def _blurred(random: Random, plate: str, frame: int, doubt: float) -> PlateReading:
    """A plate as a frame shows it: each character with a probability of its own."""
    shares: list[list[tuple[float, str]]] = []
    for right in plate:
        among = DIGITS + LETTERS if right in DIGITS + LETTERS else "京津粤闽"
        wrong = random.sample([each for each in among if each != right], 3)
        weights = [doubt * random.random() ** 10 for _ in wrong]
        total = 1.0 + sum(weights)
        table = [(1.0, right), *zip(weights, wrong, strict=True)]
        shares.append(sorted(((0.999 * w / total, c) for w, c in table), reverse=True))
    text, confidence = "", 1.0
    for ranked in shares:
        text, confidence = text + ranked[0][1], confidence * ranked[0][0]
    whole = {
        place: (ranked[0][0], tuple((c, share) for share, c in ranked[1:]))
        for place, ranked in enumerate(shares)
    }
    return a_reading(text, confidence, frame, whole)


def test_the_vote_is_made_again_however_much_the_frames_differ() -> None:
    random = Random(11)
    mixed = differ = 0
    for number in range(600):
        plate = "粤B" + "".join(random.choice(DIGITS + LETTERS) for _ in range(5))
        trailer = f"粤B{random.randrange(10_000):04}挂"
        doubt = random.choice([0.05, 3.0, 3.0])
        frames = [
            (
                number * 10 + each,
                [
                    _blurred(random, shown, number * 10 + each, doubt)
                    for shown in (plate, trailer)
                    if random.random() < 0.8
                ],
            )
            for each in range(3)
        ]
        votes = vote_all([readings for _, readings in frames])
        if votes:
            mixed += votes[0].frames_agreed == 0
            differ += votes[0].frames_agreed == 1
            assert is_same(recorded(frames, votes[0], 1.0), frames), (number, votes[0].text)
    assert mixed > 10, "plates that no frame alone read"
    assert differ > 50


def test_no_verdict_reads_the_single_readings(story: KeptStory) -> None:
    (decision,) = judgment_of(passage_with(story, agreeing())).decisions
    judgment = judgment_of(contents(story.path)[0])
    plate = decision.evidence.plate
    assert plate is not None
    assert plate.readings
    for readings in (
        (),
        plate.readings[:1],
        (FrameReading(frame=1, text="粤A99999", ppm=999_000),),
    ):
        other = replace(decision.evidence, plate=replace(plate, readings=readings))
        again = replayed(judgment.decided(msgspec.structs.replace(decision, evidence=other)))
        assert again == decision.verdict


# -- what was kept before there were readings


def _without(value: object) -> object:
    """As a version wrote it that knew no readings."""
    if isinstance(value, dict):
        return {key: _without(mine) for key, mine in value.items() if key != "readings"}
    return [_without(each) for each in value] if isinstance(value, list) else value


def test_an_event_and_a_snapshot_without_readings_are_still_read(story: KeptStory) -> None:
    story.truck_arrives()
    read = read_of(agreeing(), story.passage.passage_id)
    name, body = encode_event(read)
    assert decode_event(name, body) == read
    old = canonical(_without(json.loads(body)))
    assert decode_event(name, old) == replace(read, readings=())
    story.happens(read)
    snapshot = encode_state(story.lane)
    assert decode_state(snapshot) == story.lane
    before = decode_state(canonical(_without(json.loads(snapshot))))
    assert isinstance(before, LaneState)
    assert before.passage is not None
    assert before.passage.plate is not None
    assert before.passage.plate.readings == ()


def test_a_dossier_without_readings_is_still_replayed_and_says_so(story: KeptStory) -> None:
    whole = json.loads(passage_with(story, agreeing()))
    old = canonical(_without(whole))
    judgment = judgment_of(old)
    assert [replayed(judgment.decided(each)) for each in judgment.decisions] == [
        each.verdict for each in judgment.decisions
    ]
    assert all(look.is_open for look in seen_in(old))


def test_a_fact_without_readings_has_the_bytes_it_had_before() -> None:
    fact = v1.PlateFact(
        text=PLATE, plate_class="blue", confidence_permille=990, frames_agreed=1, frames_seen=1
    )
    assert msgspec.json.encode(fact) == (
        '{"text":"粤B12345","plate_class":"blue","confidence_permille":990,"frames_agreed":1,'
        '"frames_seen":1,"picture_id":null,"age_ms":0}'.encode()
    )


def test_the_hub_is_told_the_readings_that_the_verdict_rests_on(story: KeptStory) -> None:
    passage_with(story, agreeing())
    told = [v1.decode_body(row.body) for row in rows(story.path)]
    (decided,) = [body for body in told if isinstance(body, v1.PassageDecided)]
    assert decided.evidence.plate is not None
    assert [(e.frame, e.text, e.ppm) for e in decided.evidence.plate.readings] == [
        (1_000_000, PLATE, 990_000),
        (1_000_001, PLATE, 985_000),
        (1_000_002, PLATE, 970_000),
    ]


def test_a_later_version_may_say_more_of_a_reading() -> None:
    raw = '[4,"粤B12345",990000,1,2,3,4,[[6,500,[["5",400]],"more"]],"more"]'.encode()
    assert msgspec.json.decode(raw, type=v1.FrameReadingRow).doubts[0].others == (("5", 400),)
    assert msgspec.json.decode(raw, type=FrameReading).right == 3


# -- a camera that reads by itself


def test_a_camera_of_its_own_reading_is_voted_over_like_the_lanes(story: KeptStory) -> None:
    story.truck_arrives()
    own = replace(
        read_of(agreeing(), story.passage.passage_id, 0),
        source=PlateSource.CAMERA,
        confidence_permille=0,
        frames_agreed=1,
        frames_seen=1,
        readings=(FrameReading(frame=0, text=PLATE, ppm=0),),
    )
    story.happens(own)
    content = passage_after(story)
    camera = [look for look in seen_in(content) if look.source == "camera"]
    assert [look.where.split()[0] for look in camera] == ["event", "verdict"]
    assert all(look.is_same for look in camera)


def passage_after(story: KeptStory) -> bytes:
    story.happens(read_of(agreeing(), story.passage.passage_id))
    story.drives_on().card().manifest_answers().boom_goes_up().drives_out().passes(2.0)
    story.boom_comes_down()
    (content,) = contents(story.path)
    return content


# -- gate-agent plates


def test_an_auditor_sees_every_reading_and_the_vote_made_again(
    story: KeptStory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passage_with(story, differing(), agreeing())
    assert main(["plates", str(tmp_path / "lane.db")]) == 0
    said = capsys.readouterr()
    assert "3 votes: 3 the same again" in said.err
    assert f"lane: {PLATE} 99" in said.out
    assert "  frame 1000000: 粤B12345 990\u2030  at 600,400 to 700,430\n" in said.out
    assert "frame 7: 粤B12346 500\u2030" in said.out
    assert "[6 520\u2030 5 470\u2030]" in said.out
    assert main(["plates", "--json", str(tmp_path / "lane.db")]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["is_same"] for each in lines] == [True, True, True]
    assert lines[1]["readings"][0] == [1_000_000, PLATE, 990_000, 600, 400, 700, 430, []]


def test_a_plate_that_its_readings_do_not_give_is_named(
    story: KeptStory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dossier = json.loads(passage_with(story, agreeing()))
    for event in dossier["events"]:
        if event["type"] == "PlateRead":
            event["body"]["text"] = "粤B99999"
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(dossier))
    assert main(["plates", str(forged)]) == 1
    said = capsys.readouterr()
    assert "粤B99999" in said.out
    assert f"NOW {PLATE}" in said.out
    assert "1 DIFFERENT, 1 the same again" in said.err


def test_dossiers_of_before_are_no_difference(
    story: KeptStory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.json"
    old.write_bytes(canonical(_without(json.loads(passage_with(story, agreeing())))))
    assert main(["plates", str(old)]) == 0
    assert "2 without readings" in capsys.readouterr().err


def test_evidence_has_no_readings_unless_it_is_given_some() -> None:
    assert PlateEvidence.__dataclass_fields__["readings"].default == ()
