"""What is written on a customs card reaches the officer, and may only make a verdict stricter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.console.comparison import Standing, compare
from devices.readings import CardReading
from gate_agent.adapters.reader import card_presented
from gate_agent.domain.evidence import CardEvidence
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.records import PassageDecided
from gate_agent.domain.rules.card import valid_until_ms
from gate_agent.domain.vocabulary import Outcome
from gate_agent.store.encoding import decode_event
from gate_agent.wire import v1
from gate_agent.wire.convert import body_of, declaration_row
from tests.builders import CARD, PLATE, LaneStory, a_declaration
from tests.policy_cases import a_full_declaration, changed_pack, decided, with_card

DAY_MS = 86_400_000
WRITTEN = {"IC_REG_DATETIME": "2026-11-01 15:30:00", "IC_PER_DAY_DUE": "30"}
LAST_MS = 1_796_140_799_999  # 2026-12-01 23:59:59.999 in the zone +08:00


def until(fields: dict[str, str], offset_min: int = 480) -> int | None:
    return valid_until_ms(CardEvidence(uid=CARD, fields=tuple(fields.items())), offset_min)


def reasons_of(fields: dict[str, str], pack: PolicyPack | None = None) -> list[str]:
    found = decided(a_declaration(), pack or PolicyPack(version="t"), with_card(**fields))
    return [reason.value for reason in found.verdict.reasons if reason.value.startswith("card_")]


def test_a_card_is_valid_to_the_end_of_its_last_day_by_the_ports_own_time() -> None:
    assert until(WRITTEN) == LAST_MS
    assert until(WRITTEN, 0) == LAST_MS + 8 * 3_600_000


@pytest.mark.parametrize(
    "fields",
    [
        {"IC_REG_DATETIME": "2026-11-01 15:30:00"},
        {"IC_PER_DAY_DUE": "30"},
        WRITTEN | {"IC_PER_DAY_DUE": "0"},
        WRITTEN | {"IC_PER_DAY_DUE": "-3"},
        WRITTEN | {"IC_PER_DAY_DUE": "³"},
        WRITTEN | {"IC_PER_DAY_DUE": "9" * 10},
        WRITTEN | {"IC_REG_DATETIME": "01/11/2026"},
        WRITTEN | {"IC_REG_DATETIME": "9999-12-31 00:00:00"},
    ],
)
def test_a_date_that_is_not_certain_is_not_judged(fields: dict[str, str]) -> None:
    assert until(fields) is None
    assert reasons_of(fields) == []


@given(st.text(max_size=20), st.text(max_size=12))
def test_whatever_is_written_on_a_card_nothing_raises(registered: str, days: str) -> None:
    until({"IC_REG_DATETIME": registered, "IC_PER_DAY_DUE": days})


def test_an_expired_card_is_a_persons() -> None:
    expired = {"IC_REG_DATETIME": "2020-01-31 08:00:00", "IC_PER_DAY_DUE": "30"}
    assert reasons_of(expired) == ["card_expired"]
    made = decided(a_full_declaration(), evidence=with_card(**expired)).verdict
    assert made.outcome is Outcome.HOLD


def test_a_card_that_was_written_for_another_vehicle_is_a_persons() -> None:
    assert reasons_of({"IC_VE_NAME": "粤B99999"}) == ["card_plate_differs"]
    assert reasons_of({"IC_VE_NAME": PLATE.lower().replace("b", "b·")}) == []


def test_a_card_may_name_any_plate_of_a_vehicle_that_has_two() -> None:
    two = a_declaration(plates=(PLATE, "粤Z1234港"))
    found = decided(two, PolicyPack(version="t"), with_card(IC_VE_NAME="粤Z1234港"))
    assert not [each for each in found.verdict.reasons if each.value.startswith("card_")]


def test_what_is_not_on_a_card_says_nothing_unless_the_pack_demands_it() -> None:
    assert reasons_of({}) == []
    demanding = changed_pack(card_demands=("IC_VE_NAME", "IC_PER_DAY_DUE"))
    named = {"IC_VE_NAME": PLATE}
    assert reasons_of({}, demanding) == ["card_incomplete"]
    assert reasons_of(named, demanding) == ["card_incomplete"]
    assert reasons_of(named | WRITTEN, demanding) == []
    unreadable = named | WRITTEN | {"IC_PER_DAY_DUE": "x"}
    assert reasons_of(unreadable, demanding) == ["card_incomplete"]


def test_the_fields_go_from_the_reader_into_the_record() -> None:
    fields = (("IC_VE_NAME", "粤B99999"), ("IC_BILL_NO", "B1"))
    event = card_presented(CardReading(uid=CARD, received_s=1.0, fields=fields))
    story = LaneStory().ready().truck_arrives().plate_is_read().drives_on()
    story.happens(event)
    story.manifest_answers()
    (verdict,) = story.records(PassageDecided)
    assert verdict.verdict.outcome is Outcome.HOLD
    assert verdict.evidence.card is not None
    assert verdict.evidence.card.fields == fields
    sent = v1.decode_body(v1.encode(body_of(verdict)))
    assert isinstance(sent, v1.PassageDecided)
    assert sent.evidence.card is not None
    assert sent.evidence.card.fields == dict(fields)
    shown = compare(sent.evidence, declaration_row(a_declaration()), sent.reasons)
    (row,) = [each for each in shown.rows if each.check == "card"]
    assert row.standing is Standing.DIFFERS
    assert shown.card_fields_against == {"IC_VE_NAME"}


def test_a_card_of_before_there_were_fields_is_read_as_it_was() -> None:
    assert decode_event("CardPresented", b'{"uid": "04"}') == card_presented(
        CardReading(uid="04", received_s=1.0)
    )
    assert v1.CardFact(uid="04", age_ms=7).fields == {}
