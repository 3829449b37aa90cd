"""Laws of the chain: in any order it holds, and no single change goes unseen."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from central.store import hub_store
from gate_agent.wire import v1
from gate_agent.wire.chain import START, Flaw, Linked, Walk, findings, link
from tests.hub_bench import a_store, take_records

BODIES = st.lists(st.binary(max_size=40).map(lambda raw: b'{"type":"x' + raw + b'"}'), max_size=12)


def chained(bodies: list[bytes]) -> list[Linked]:
    made, previous = [], START
    for seq, body in enumerate(bodies, start=1):
        previous = link(previous, lane="l", epoch="e", seq=seq, at_ms=seq, body=body)
        made.append(
            Linked(lane="l", epoch="e", seq=seq, at_ms=seq, chain=previous, body=msgspec.Raw(body))
        )
    return made


@given(BODIES)
def test_what_was_chained_holds(bodies: list[bytes]) -> None:
    walk = Walk()
    assert list(findings(chained(bodies), walk)) == []
    assert walk.seq == len(bodies)


@given(BODIES.filter(bool), st.data())
def test_no_single_change_goes_unseen(bodies: list[bytes], data: st.DataObject) -> None:
    records = chained(bodies)
    number = data.draw(st.integers(0, len(records) - 1))
    found = records[number]
    body, chain = bytes(found.body), found.chain or ""
    at = data.draw(st.integers(0, len(body) - 1))
    flipped = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    other = chain[:-1] + ("0" if chain[-1] != "0" else "1")
    records[number] = data.draw(
        st.sampled_from(
            [
                msgspec.structs.replace(found, body=msgspec.Raw(flipped)),
                msgspec.structs.replace(found, body=msgspec.Raw(body + b" ")),
                msgspec.structs.replace(found, at_ms=found.at_ms + 1),
                msgspec.structs.replace(found, lane="m"),
                msgspec.structs.replace(found, epoch="f"),
                msgspec.structs.replace(found, chain=other),
            ]
        )
    )
    breaks = [each for each in findings(records, Walk()) if each.is_break]
    assert breaks
    assert breaks[0].first == found.seq


@given(BODIES.filter(lambda bodies: len(bodies) > 1), st.data())
def test_whatever_is_taken_out_is_named_unless_it_is_the_end(
    bodies: list[bytes], data: st.DataObject
) -> None:
    records = chained(bodies)
    gone = data.draw(st.sets(st.integers(1, len(records) - 1), min_size=1))
    left = [record for record in records if record.seq not in gone]
    missing = {
        seq
        for each in findings(left, Walk())
        if each.flaw is Flaw.MISSING
        for seq in range(each.first, each.last + 1)
    }
    assert missing == gone


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_hub_proves_a_chain_in_whatever_order_and_however_often_it_comes(
    data: st.DataObject,
) -> None:
    previous, records = START, []
    for seq in range(1, data.draw(st.integers(1, 14)) + 1):
        body = v1.encode(v1.PassageOpened(passage_id=f"lane1-e1-{seq:06d}"))
        previous = link(previous, lane="lane1", epoch="e1", seq=seq, at_ms=seq, body=body)
        records.append(v1.RawRecord(seq=seq, at_ms=seq, body=msgspec.Raw(body), chain=previous))
    order = data.draw(st.permutations(records)) + data.draw(st.lists(st.sampled_from(records)))
    with tempfile.TemporaryDirectory() as folder, a_store(Path(folder, "hub.db")) as store:
        while order:
            size = data.draw(st.integers(1, 5))
            take_records(store, order[:size])
            order = order[size:]
        lane = store.read_now(hub_store.lane, "lane1")
        assert lane is not None
        assert (lane.through_seq, lane.missing_count) == (len(records), 0)
        assert (lane.chain_breaks, lane.proved_from) == (0, 1)
        assert store.read_now(hub_store.alarms) == ()
