"""What was once sent is read for ever, and what makes no sense is named, not dropped.

One file, though it is long: every message has its law beside the others', as in `v1.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_agent.domain.effects import Record
from gate_agent.domain.events import (
    EvacuationEnded,
    EvacuationOrdered,
    Event,
    LoweringOrdered,
    ModeSet,
    Overridden,
)
from gate_agent.domain.evidence import ContainerEvidence, TagEvidence
from gate_agent.wire import convert, digest, v1
from gate_agent.wire.topics import Address, Stream, every_lane, is_id, parse_topic, topic
from tests.builders import LaneStory, a_declaration, good_evidence
from tests.lane_history import ORDERS

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "wire" / "v1"
EVIDENCE = v1.EvidenceFacts(
    plate=v1.PlateFact(
        text="粤B12345",
        plate_class="mainland",
        confidence_permille=953,
        frames_agreed=5,
        frames_seen=6,
        picture_id="9f" * 32,
        age_ms=8200,
    ),
    card=v1.CardFact(uid="04A1B2C3", age_ms=1500),
    weight=v1.WeightFact(gross_kg=32040, division_kg=20, spread_kg=0, age_ms=40),
    faults=("uplink",),
)
ROW = v1.DeclarationRow(
    declaration_id="D-20261121-0001",
    plates=("粤B12345", "粤Z1234港"),
    card_uid="04A1B2C3",
    gross_kg=32000,
    valid_from_ms=1790000000000,
    valid_until_ms=1790014400000,
    documents="released",
    holds=("customs",),
    used_by="lane1-a1-000042",
)
ORDER = {
    "command_id": "c-7",
    "by": "li.wei",
    "reason": "papers checked",
    "issued_at_ms": 1790000020000,
    "expires_at_ms": 1790000080000,
}
RECORDS: tuple[v1.RecordBody, ...] = (
    v1.LaneStarted(version="0.1.0", interrupted="lane1-a1-000041"),
    v1.PolicyAdopted(version="2026-09", policy_hash="cd" * 32),
    v1.PassageOpened(passage_id="lane1-a1-000042"),
    v1.PictureTaken(
        passage_id="lane1-a1-000042", picture_id="9f" * 32, view="plate", jpeg=b"\xff\xd8\xff\xd9"
    ),
    v1.PassageDecided(
        passage_id="lane1-a1-000042",
        outcome="inspect",
        reasons=("agency_hold",),
        evidence=EVIDENCE,
        declaration=ROW,
        manifest_version=7,
        policy_version="default-1",
    ),
    v1.WeighedAfterwards(passage_id="lane1-a1-000042", gross_kg=32060, within_kg=40, agrees=True),
    v1.PassageOverridden(
        passage_id="lane1-a1-000042",
        command_id="c-7",
        decision="release",
        by="li.wei",
        reason="papers checked",
    ),
    v1.CommandCarriedOut(command_id="c-8", command="set_mode", by="li.wei", reason="night shift"),
    v1.CommandRefused(passage_id=None, command_id="c-9", why="lane_not_empty"),
    v1.PassageClosed(
        passage_id="lane1-a1-000042",
        outcome="release",
        decided_by="li.wei",
        left="exit",
        arrived_at_ms=1790000000000,
        timeline=v1.Timeline(
            plate_ms=1200,
            card_ms=8300,
            weight_ms=9100,
            decided_ms=9150,
            raise_sent_ms=9180,
            boom_up_ms=10700,
            exit_clear_ms=None,
            decision_us=81000,
        ),
    ),
    v1.PassageSealed(
        passage_id="lane1-a1-000042",
        format="kakou-dossier-1",
        sha256="ef" * 32,
        dossier=b"x\x9c\x03\x00\x00\x00\x00\x01",
        is_whole=True,
        restarts=1,
        clock_steps=2,
        is_clock_set=True,
    ),
    v1.FaultChanged(code="scale_link", raised=True, detail="no frame for 3.2 s on /dev/ttyS1"),
    v1.AlarmRaised(code="tailgating", passage_id="lane1-a1-000042"),
)
FROM_LANE: tuple[v1.LaneMessage, ...] = (
    v1.RecordBatch(
        lane="lane1",
        epoch="a1",
        records=(
            v1.RawRecord(
                seq=1,
                at_ms=1790000000000,
                body=msgspec.Raw(b'{"type":"passage_opened","passage_id":"lane1-a1-000042"}'),
            ),
        ),
    ),
    v1.LaneStatus(lane="lane1", epoch="a1", online=True, version="0.1.0"),
    v1.LaneHealth(
        lane="lane1",
        epoch="a1",
        at_ms=1790000000000,
        mode="auto",
        phase="held",
        passage_id="lane1-a1-000042",
        barrier="closed",
        weight_kg=32040,
        weight_state="settled",
        faults=("uplink",),
        manifest_version=7,
        manifest_age_s=0.5,
        last_seq=120,
        unsent=3,
        oldest_unsent_s=2.5,
        showing="wait_for_officer",
    ),
    v1.ManifestRequest(lane="lane1", have_version=6),
    v1.PolicyRequest(lane="lane1", have="ab" * 32),
    v1.ClaimRequest(
        lane="lane1",
        epoch="a1",
        token=17,
        passage_id="lane1-a1-000042",
        declaration_id="D-20261121-0001",
    ),
    v1.ClipPart(lane="lane1", clip_id="7c" * 32, offset=65536, total_bytes=65540, content=b"idx1"),
)
FROM_HUB: tuple[v1.HubMessage, ...] = (
    v1.RecordAck(epoch="a1", through_seq=120),
    v1.ManifestHead(version=7, count=1, digest="ab" * 32, at_ms=1790000000000),
    v1.ManifestPart(
        from_version=6,
        to_version=7,
        part=1,
        parts=1,
        upserts=(ROW,),
        deletes=("D-20261120-0009",),
        count=1,
        digest="ab" * 32,
    ),
    v1.OverrideCommand(passage_id="lane1-a1-000042", decision="release", **ORDER),  # type: ignore[arg-type]
    v1.PolicyPacks(
        digest="ab" * 32,
        packs=(b'{"owner":"rules desk","version":"1"}',),
        secrets=(v1.DrawSecret(period="2026-12", secret=bytes(range(32))),),
    ),
    v1.ClaimAnswer(epoch="a1", token=17, state="held", holder="lane2-b7-000011"),
    v1.ClipRequest(clip_id="7c" * 32, offset=65536, expires_at_ms=1790000080000),
    v1.LowerBarrierCommand(**ORDER),  # type: ignore[arg-type]
    v1.SetModeCommand(mode="attended", **ORDER),  # type: ignore[arg-type]
    v1.EvacuateCommand(**ORDER),  # type: ignore[arg-type]
    v1.EndEvacuationCommand(evacuation_id="c-6", **ORDER),  # type: ignore[arg-type]
)
Message = v1.LaneMessage | v1.HubMessage | v1.RecordBody
Decode = Callable[[bytes], Message]
CASES: list[tuple[str, Message, Decode]] = [
    *((f"record-{type(m).__struct_config__.tag}", m, v1.decode_body) for m in RECORDS),
    *((str(type(m).__struct_config__.tag), m, v1.decode_lane_message) for m in FROM_LANE),
    *((str(type(m).__struct_config__.tag), m, v1.decode_hub_message) for m in FROM_HUB),
]
IDS = [name for name, _, _ in CASES]


def test_every_message_and_record_type_has_its_golden_file() -> None:
    kinds = {*get_args(v1.RecordBody), *get_args(v1.LaneMessage), *get_args(v1.HubMessage)}
    assert {type(message) for _, message, _ in CASES} == kinds
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(IDS)


@pytest.mark.parametrize(("name", "message", "decode"), CASES, ids=IDS)
def test_a_golden_file_is_read_as_it_was_meant(name: str, message: Message, decode: Decode) -> None:
    golden = (GOLDEN / f"{name}.json").read_bytes()
    read = decode(golden)
    if isinstance(read, v1.RecordBatch) and isinstance(message, v1.RecordBatch):
        bodies = [v1.decode_body(bytes(record.body)) for record in read.records]
        assert bodies == [v1.decode_body(bytes(record.body)) for record in message.records]
        assert (read.lane, read.epoch) == (message.lane, message.epoch)
    else:
        assert read == message


@pytest.mark.parametrize(("name", "message", "decode"), CASES, ids=IDS)
def test_what_is_encoded_now_has_every_field_of_the_golden_file(
    name: str, message: Message, decode: Decode
) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_bytes())
    now = json.loads(v1.encode(message))
    assert {key: now[key] for key in golden} == golden  # additions only
    assert decode(v1.encode(message)) == message or isinstance(message, v1.RecordBatch)


@pytest.mark.parametrize(("name", "message", "decode"), CASES, ids=IDS)
def test_fields_of_a_later_version_are_ignored(name: str, message: Message, decode: Decode) -> None:
    later = json.loads(v1.encode(message)) | {"added_in_v1_9": {"deep": [1, {"er": None}]}}
    assert type(decode(json.dumps(later).encode())) is type(message), name


@pytest.mark.parametrize(("name", "message", "decode"), CASES, ids=IDS)
def test_a_message_that_lacks_a_required_field_is_refused_by_name(
    name: str, message: Message, decode: Decode
) -> None:
    whole = json.loads(v1.encode(message))
    required = [
        field.encode_name
        for field in msgspec.structs.fields(type(message))
        if field.required and field.encode_name in whole
    ]
    assert required, name
    for field in required:
        cut = {key: value for key, value in whole.items() if key != field}
        with pytest.raises(v1.WireError, match=field):
            decode(json.dumps(cut).encode())


DECODERS = [v1.decode_body, v1.decode_lane_message, v1.decode_hub_message]
NONSENSE = [
    b"",
    b"{}",
    b"null",
    b"[]",
    b'{"type":"of_the_future"}',
    b'{"type":7}',
    b'{"type":"record_ack","epoch":"a","through_seq":"1"}',
    b'{"type":"lane_status","lane":"\xff\xfe","epoch":"a","online":true}',
    b'{"type":"passage_opened","passage_id":"a"',
    b"[" * 200_000,
    b'{"type":"lane_status","x":' + b"[" * 200_000,
    b'{"type":"record_ack","x":' + b'{"x":' * 200_000,
    b'{"type":"passage_opened","x":' + b"[" * 200_000,
]


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize("payload", NONSENSE, ids=lambda payload: repr(payload[:40]))
def test_nonsense_and_unknown_types_are_a_wire_error_and_nothing_else(
    decode: Decode, payload: bytes
) -> None:
    with pytest.raises(v1.WireError):
        decode(payload)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_do_anything_but_decode_or_a_wire_error(payload: bytes) -> None:
    for decode in DECODERS:
        try:
            decode(payload)
        except v1.WireError:
            continue


def test_one_record_of_an_unknown_type_does_not_spoil_its_batch() -> None:
    batch = (
        b'{"type":"record_batch","lane":"l","epoch":"e","records":['
        b'{"seq":1,"at_ms":1,"body":{"type":"of_the_future","x":[1]}},'
        b'{"seq":2,"at_ms":2,"body":{"type":"passage_opened","passage_id":"p"}}]}'
    )
    read = v1.decode_lane_message(batch)
    assert isinstance(read, v1.RecordBatch)
    with pytest.raises(v1.WireError, match="of_the_future"):
        v1.decode_body(bytes(read.records[0].body))
    assert v1.decode_body(bytes(read.records[1].body)) == v1.PassageOpened(passage_id="p")


def test_an_override_to_hold_is_no_message() -> None:
    whole = json.loads(v1.encode(FROM_HUB[3])) | {"decision": "hold"}
    with pytest.raises(v1.WireError, match="hold"):
        v1.decode_hub_message(json.dumps(whole).encode())


# -- the digest

ROWS = st.builds(
    v1.DeclarationRow,
    declaration_id=st.text("D0123456789", min_size=1, max_size=6),
    plates=st.lists(st.sampled_from(["粤B1", "粤B2", "AB1234"]), min_size=1, max_size=2).map(tuple),
    card_uid=st.sampled_from(["01", "02"]),
    gross_kg=st.integers(0, 60_000),
    valid_from_ms=st.integers(0, 10),
    valid_until_ms=st.integers(10, 20),
    documents=st.sampled_from(["released", "pending"]),
    used_by=st.none() | st.just("p"),
)


def digest_of(rows: list[v1.DeclarationRow]) -> str:
    return digest.changed(digest.EMPTY, added=(digest.row_digest(row) for row in rows))


@given(
    st.lists(ROWS, max_size=6).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows)))
)
def test_the_digest_of_a_manifest_does_not_depend_on_its_order(
    both: tuple[list[v1.DeclarationRow], list[v1.DeclarationRow]],
) -> None:
    assert digest_of(both[0]) == digest_of(both[1])


@given(st.lists(ROWS, max_size=5), ROWS, ROWS)
def test_the_digest_follows_each_change_without_reading_the_rest(
    rows: list[v1.DeclarationRow], old: v1.DeclarationRow, new: v1.DeclarationRow
) -> None:
    followed = digest.changed(
        digest_of([*rows, old]), added=[digest.row_digest(new)], removed=[digest.row_digest(old)]
    )
    assert followed == digest_of([*rows, new])
    assert (digest.row_digest(old) == digest.row_digest(new)) == (old == new)
    assert digest.changed(digest_of([old]), removed=[digest.row_digest(old)]) == digest.EMPTY


def test_the_digest_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert digest.row_digest(ROW) == GOLDEN_DIGEST
    read = v1.decode_hub_message((GOLDEN / "manifest_part.json").read_bytes())
    assert isinstance(read, v1.ManifestPart)
    assert digest.row_digest(read.upserts[0]) == GOLDEN_DIGEST


GOLDEN_DIGEST = "07d847852d17e90479b956a1d4cbe7a9632478d3d2f6832675197a7af1267ca3"


# -- topics


@pytest.mark.parametrize("stream", list(Stream))
def test_a_topic_is_taken_apart_as_it_was_put_together(stream: Stream) -> None:
    assert parse_topic(topic("huanggang", "lane-1", stream)) == Address(
        "huanggang", "lane-1", stream
    )
    assert every_lane("huanggang", stream) == f"gate/v1/huanggang/+/{stream.value}"


@pytest.mark.parametrize("bad", ["", "a b", "a/b", "a.b", "+", "#", "道1", "x" * 49, "a\n"])
def test_an_id_that_a_broker_could_misread_is_refused(bad: str) -> None:
    assert not is_id(bad)
    with pytest.raises(ValueError, match="topic id"):
        topic("site", bad, Stream.RECORDS)


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "gate/v1/s/l",
        "gate/v2/s/l/records",
        "gate/v1/s/l/records/x",
        "gate/v1/s/l/nothing",
        "gate/v1/s s/l/records",
        "gate/v1//l/records",
        "$SYS/v1/s/l/records",
    ],
)
def test_a_topic_that_is_not_ours_is_not_taken_for_one(foreign: str) -> None:
    assert parse_topic(foreign) is None


# -- domain and wire


def test_every_command_arrives_in_the_lane_as_it_was_sent() -> None:
    commands = [m for m in FROM_HUB if isinstance(m, v1.Command)]
    events: list[Event] = [convert.event_of(command) for command in commands]
    assert [type(event) for event in events] == [
        Overridden,
        LoweringOrdered,
        ModeSet,
        EvacuationOrdered,
        EvacuationEnded,
    ]
    for event in events:
        assert isinstance(event, ORDERS)
        assert (event.command_id, event.by, event.reason, event.expires_at_ms) == (
            "c-7",
            "li.wei",
            "papers checked",
            1790000080000,
        )


def test_a_declaration_is_the_same_after_the_way_there_and_back() -> None:
    assert convert.declaration_row(convert.declaration_of(ROW)) == ROW
    plain = a_declaration()
    assert convert.declaration_of(convert.declaration_row(plain)) == plain


def test_every_record_of_a_passage_travels() -> None:
    story = LaneStory().ready().waits_for_verdict()
    story.manifest_answers()
    story.boom_goes_up().drives_out().passes(1.0).boom_comes_down()
    bodies = [convert.body_of(effect.body) for effect in story.all(Record)]
    assert [v1.decode_body(v1.encode(body)) for body in bodies] == bodies
    decided = next(body for body in bodies if isinstance(body, v1.PassageDecided))
    assert (decided.outcome, decided.reasons, decided.manifest_version) == ("release", (), 7)
    assert decided.evidence.weight is not None
    assert decided.evidence.weight.gross_kg == 32_000
    assert isinstance(bodies[-1], v1.PassageClosed)


# -- the tag, which came later in v1

TAG_IDS = st.text("0123456789ABCDEF", min_size=1, max_size=24)


@given(
    st.none()
    | st.builds(
        TagEvidence,
        tag_id=TAG_IDS,
        others=st.lists(TAG_IDS, max_size=4).map(tuple),
        since_arrival_ms=st.integers(-5, 9_000),
        age_ms=st.integers(-5, 600_000),
    )
)
def test_every_tag_that_was_seen_reaches_the_hub_with_its_age(tag: TagEvidence | None) -> None:
    facts = convert.evidence_facts(replace(good_evidence(), tag=tag))
    verdict = decided_on(facts)
    read = v1.decode_body(v1.encode(verdict))
    assert isinstance(read, v1.PassageDecided)
    assert read == verdict
    told = read.evidence.tag
    assert (told is None) == (tag is None)
    if tag is not None and told is not None:
        assert (told.tag_id, told.others) == (tag.tag_id, tag.others)
        assert told.age_ms == max(0, tag.age_ms)
    assert (b'"tag"' in msgspec.json.encode(facts)) == (tag is not None)


def test_a_record_of_before_there_were_tags_says_nothing_of_them() -> None:
    read = v1.decode_body((GOLDEN / "record-passage_decided.json").read_bytes())
    assert isinstance(read, v1.PassageDecided)
    assert read.evidence.tag is None


# -- the containers, which came later still


@given(
    st.none()
    | st.builds(
        ContainerEvidence,
        numbers=st.lists(st.text(min_size=1), min_size=1, max_size=3).map(tuple),
        age_ms=st.integers(-5, 600_000),
    )
)
def test_every_container_number_that_was_read_reaches_the_hub_with_its_age(
    read: ContainerEvidence | None,
) -> None:
    facts = convert.evidence_facts(replace(good_evidence(), containers=read))
    verdict = decided_on(facts)
    told = v1.decode_body(v1.encode(verdict))
    assert told == verdict
    assert (b'"containers"' in msgspec.json.encode(facts)) == (read is not None)
    if read is not None:
        assert facts.containers == v1.ContainersFact(
            numbers=read.numbers, age_ms=max(0, read.age_ms)
        )


def test_a_record_of_before_there_were_containers_says_nothing_of_them() -> None:
    read = v1.decode_body((GOLDEN / "record-passage_decided.json").read_bytes())
    assert isinstance(read, v1.PassageDecided)
    assert read.evidence.containers is None


def decided_on(facts: v1.EvidenceFacts) -> v1.PassageDecided:
    return v1.PassageDecided(
        passage_id="p",
        outcome="release",
        reasons=(),
        evidence=facts,
        declaration=None,
        manifest_version=1,
        policy_version="1",
    )
