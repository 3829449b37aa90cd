"""One scenario for each rule of the port's regimes that concerns the lane, named after its row.

docs/reference/regimes.md maps every row to its scenario; tests/unit/test_regimes_page.py fails
where one is missing. `policy_cases.PACK` is a port that demands everything at once.

One file, though it is long: it is read beside that page, row by row.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from gate_agent.domain.decision import Obligation, Reason
from gate_agent.domain.draws import draw
from gate_agent.domain.effects import MarkUsed
from gate_agent.domain.manifest import (
    AccountKind,
    AgencyAnswer,
    AgencyState,
    Appointment,
    Direction,
    DocumentItem,
    Documents,
    Draw,
    Kind,
    Risk,
)
from gate_agent.domain.policy_pack import (
    AgencyRule,
    CreditClass,
    CreditTable,
    DocumentCondition,
    LaneProfile,
    OpenHours,
)
from gate_agent.domain.reasons import ReasonKind
from gate_agent.domain.rules.authority import offline_authority_ms
from gate_agent.domain.vocabulary import Outcome, PassageId
from tests.builders import GROSS_KG, HOUR_MS, LaneStory, good_evidence
from tests.policy_cases import (
    NOW_MS,
    PACK,
    TARE_KG,
    a_full_declaration,
    a_transit,
    an_account,
    changed_pack,
    judged,
    weighing,
    with_manifest_of,
)

RELEASED: tuple[Reason, ...] = ()
SECRET = bytes(range(32))


def test_row_2_five_facilities_one_decision_without_a_person() -> None:
    story = LaneStory().ready()
    story.waits_for_verdict().manifest_answers()
    assert story.verdict == (Outcome.RELEASE, ())
    assert story.raises() == 1


def test_row_2c_a_blocked_card_stops_the_vehicle_whatever_is_declared() -> None:
    verdict = judged(a_full_declaration(), changed_pack(blocked_cards=("04:a1:b2:c3",)))
    assert verdict.reasons == (Reason.CARD_BLOCKED,)


def test_row_3_a_transit_under_a_checked_seal_goes_at_once_and_leaves_an_obligation() -> None:
    verdict = judged(a_full_declaration(transit=a_transit()))
    assert verdict.outcome is Outcome.RELEASE
    assert (
        Obligation(code="transit_closing", due_ms=NOW_MS + 60_000, to="5301") in verdict.obligations
    )


def test_row_3_a_transit_whose_seal_nobody_checked_is_a_persons() -> None:
    verdict = judged(a_full_declaration(transit=a_transit(seal_checked_at_ms=NOW_MS - 2 * HOUR_MS)))
    assert verdict.reasons == (Reason.SEAL_UNVERIFIED,)


def test_row_4_documents_released_before_arrival_and_goods_released_at_the_lane() -> None:
    """Two states: the paper side is done in advance, the goods go when the truck is here."""
    ready = a_full_declaration(documents=Documents.RELEASED)
    assert judged(ready).outcome is Outcome.RELEASE
    waiting = replace(ready, documents=Documents.PENDING)
    assert judged(waiting).reasons == (Reason.DOCUMENTS_PENDING,)
    assert ready.used_by is None  # the goods are released by using it up, at the lane


def test_row_6_declared_at_one_office_and_checked_at_this_gate() -> None:
    verdict = judged(a_full_declaration(office="5316"))
    assert verdict.outcome is Outcome.RELEASE
    assert verdict.declaration is not None
    assert verdict.declaration.office == "5316"


def test_row_7_one_release_after_every_agency_has_agreed() -> None:
    agreed = a_full_declaration().agencies
    assert judged(a_full_declaration()).outcome is Outcome.RELEASE
    for left_out in agreed:
        fewer = tuple(each for each in agreed if each is not left_out)
        assert judged(a_full_declaration(agencies=fewer)).reasons == (Reason.AGENCY_PENDING,)


def test_row_8_a_list_is_drawn_on_and_its_declaration_owed_at_the_end_of_the_period() -> None:
    verdict = judged(a_full_declaration(accounts=(an_account(),)))
    assert verdict.outcome is Outcome.RELEASE
    assert (
        Obligation(code="list_declaration", due_ms=NOW_MS + HOUR_MS, to="JB-7")
        in verdict.obligations
    )
    late = judged(a_full_declaration(accounts=(an_account(closes_ms=NOW_MS - 1),)))
    assert late.reasons == (Reason.ACCOUNT_CLOSED,)


def test_row_8_what_this_lane_took_since_the_hub_last_told_counts() -> None:
    enough = an_account(balance=100, pending=90, quantity=10)
    assert judged(a_full_declaration(accounts=(enough,))).reasons == RELEASED
    too_much = replace(enough, quantity=11)
    assert judged(a_full_declaration(accounts=(too_much,))).reasons == (Reason.ACCOUNT_EXHAUSTED,)


def test_row_8_a_lane_that_is_alone_may_take_a_share_of_the_balance_only() -> None:
    half = a_full_declaration(accounts=(an_account(balance=100, quantity=50),))
    more = a_full_declaration(accounts=(an_account(balance=100, quantity=51),))
    alone = with_manifest_of(61_000)
    assert judged(half, evidence=alone).reasons == RELEASED
    assert judged(more, evidence=alone).reasons == (Reason.ACCOUNT_OFFLINE,)
    assert judged(more).reasons == RELEASED


def test_row_10_every_difference_is_named_not_only_the_first() -> None:
    verdict = judged(
        a_full_declaration(fee_paid=False, risk=Risk.HIGH, documents=Documents.PENDING),
        evidence=weighing(GROSS_KG + 1_000),
    )
    assert set(verdict.reasons) == {
        Reason.FEE_UNPAID,
        Reason.RISK_HIGH,
        Reason.DOCUMENTS_PENDING,
        Reason.WEIGHT_DIFFERS,
    }
    assert verdict.outcome is Outcome.INSPECT


@pytest.mark.parametrize("kind", list(AccountKind))
def test_row_11_a_book_that_is_used_up_is_an_exception(kind: AccountKind) -> None:
    over = a_full_declaration(accounts=(an_account(kind=kind, balance=9),))
    assert judged(over).reasons == (Reason.ACCOUNT_EXHAUSTED,)


def test_row_12_a_permit_is_compared_online_and_the_answer_has_an_age() -> None:
    def with_answer(state: str, age_ms: int | None) -> tuple[Reason, ...]:
        at_ms = None if age_ms is None else NOW_MS - age_ms
        items = (
            DocumentItem(code="tax", state="none"),
            DocumentItem(code="licence", state=state, checked_at_ms=at_ms),
        )
        return judged(a_full_declaration(items=items)).reasons

    assert with_answer("matched", HOUR_MS) == RELEASED
    assert with_answer("matched", HOUR_MS + 1) == (Reason.CONDITION_STALE,)
    assert with_answer("matched", None) == (Reason.CONDITION_STALE,)
    assert with_answer("matched", -1) == (Reason.CONDITION_STALE,)  # from the future
    assert with_answer("no answer", 0) == (Reason.CONDITION_NOT_MET,)


def test_row_13_goods_whose_tax_is_refunded_leave_only_with_a_whole_proof_of_exit() -> None:
    refund = a_full_declaration(tax_refund=True)
    assert judged(refund).reasons == (Reason.EXIT_PROOF_INCOMPLETE,)
    evidence = good_evidence()
    assert evidence.plate is not None
    pictured = replace(evidence, plate=replace(evidence.plate, picture_id="9f" * 32))
    assert judged(refund, evidence=pictured).reasons == RELEASED


def test_row_14_a_weight_that_cannot_be_is_inspected() -> None:
    verdict = judged(a_full_declaration(), evidence=weighing(GROSS_KG + 2_000))
    assert (verdict.outcome, verdict.reasons) == (Outcome.INSPECT, (Reason.WEIGHT_FAR_OFF,))


def test_row_17_credit_class_risk_and_cargo_each_change_what_is_allowed() -> None:
    more = weighing(GROSS_KG + 900)
    plain = changed_pack(limits=msgspec.structs.replace(PACK.limits, weight_tolerance_permille=10))
    assert judged(a_full_declaration(), plain, more).reasons == (Reason.WEIGHT_DIFFERS,)
    assert judged(a_full_declaration(), PACK, more).reasons == RELEASED
    assert judged(a_full_declaration(cargo="gold"), PACK, more).reasons == (Reason.WEIGHT_FAR_OFF,)
    assert judged(a_full_declaration(cargo=""), PACK, more).reasons == (Reason.WEIGHT_FAR_OFF,), (
        "who does not say the cargo is given the narrowest tolerance"
    )


def test_row_17a_the_coordinator_is_told_of_an_exception_and_only_of_that() -> None:
    assert judged(a_full_declaration(risk=Risk.HIGH)).notify == "ms chen"
    assert judged(a_full_declaration()).notify == ""


def test_row_17b_offline_authority_depends_on_the_class() -> None:
    general = a_full_declaration(credit_class="general")
    advanced = a_full_declaration(credit_class="advanced")
    alone = with_manifest_of(2 * HOUR_MS)
    assert judged(advanced, evidence=alone).reasons == RELEASED
    assert judged(general, evidence=alone).reasons == (Reason.OFFLINE_AUTHORITY_OVER,)
    assert offline_authority_ms(PACK, "general") == HOUR_MS
    assert offline_authority_ms(PACK, "of another port") == PACK.limits.manifest_max_age_ms


@pytest.mark.parametrize("name", ["客户协调员", "AA", "高级认证", "失信"])
def test_row_17b_a_class_of_any_named_table_is_known_by_its_own_name(name: str) -> None:
    tables = tuple(
        CreditTable(name=title, classes=tuple(CreditClass(name=each) for each in names))
        for title, names in (
            ("2003", ("客户协调员", "高信用", "中信用", "低信用")),
            ("2008", ("AA", "A生产型", "A非生产型", "B", "C", "D")),
            ("2018", ("高级认证", "一般信用", "失信")),
        )
    )
    pack = changed_pack(credit_tables=tables)
    assert judged(a_full_declaration(credit_class=name), pack).reasons == RELEASED
    other = judged(a_full_declaration(credit_class="E"), pack)
    assert other.reasons == (Reason.CREDIT_CLASS_UNKNOWN,)
    silent = judged(a_full_declaration(credit_class=""), changed_pack(demands=()))
    assert Reason.CREDIT_CLASS_UNKNOWN in silent.reasons


def test_row_18_a_pack_holds_from_its_day_to_its_day_and_no_longer() -> None:
    for from_ms, until_ms, reasons in (
        (NOW_MS, NOW_MS + 1, RELEASED),
        (NOW_MS + 1, NOW_MS + 2, (Reason.POLICY_NOT_IN_FORCE,)),
        (NOW_MS - 2, NOW_MS, (Reason.POLICY_NOT_IN_FORCE,)),
    ):
        pack = changed_pack(effective_from_ms=from_ms, effective_until_ms=until_ms)
        assert judged(a_full_declaration(), pack).reasons == reasons


def test_row_19_papers_may_follow_and_the_record_says_until_when() -> None:
    verdict = judged(a_full_declaration())
    assert verdict.obligations == (Obligation(code="documents", due_ms=NOW_MS + 72 * HOUR_MS),)


@pytest.mark.parametrize("kind", [Kind.EMPTY, Kind.EMPTY_CONTAINER])
def test_row_20_an_empty_one_is_checked_by_its_weight(kind: Kind) -> None:
    empty = a_full_declaration(kind=kind, gross_kg=TARE_KG)
    assert judged(empty, evidence=weighing(TARE_KG + 800)).reasons == RELEASED
    loaded = judged(empty, evidence=weighing(TARE_KG + 801))
    assert (loaded.outcome, loaded.reasons) == (Outcome.INSPECT, (Reason.NOT_EMPTY,))
    light = judged(empty, evidence=weighing(TARE_KG - 801))
    assert light.reasons == (Reason.WEIGHT_DIFFERS,)
    claims_more = a_full_declaration(kind=kind, gross_kg=GROSS_KG)
    assert judged(claims_more).reasons == (Reason.NOT_EMPTY,), "a declared gross is no tare"


def test_row_27_the_fee_is_a_condition_and_no_stop_of_its_own() -> None:
    assert judged(a_full_declaration(fee_paid=False)).reasons == (Reason.FEE_UNPAID,)
    assert judged(
        a_full_declaration(fee_paid=False), changed_pack(is_fee_required=False)
    ).reasons == (RELEASED)


def test_row_28_a_green_lane_takes_only_whom_it_is_for() -> None:
    profile = LaneProfile(lane="lane1", is_priority=True, classes=("advanced",))
    green = changed_pack(lanes=(profile,))
    assert judged(a_full_declaration(), green).reasons == RELEASED
    other = a_full_declaration(credit_class="general")
    verdict = judged(other, green)
    assert (verdict.outcome, verdict.reasons) == (Outcome.REFUSE, (Reason.WRONG_LANE,))
    assert judged(replace(other, priority=True), green).reasons == RELEASED


def test_row_30_out_of_hours_only_by_appointment() -> None:
    day = LaneProfile(lane="lane1", hours=(OpenHours(from_min=8 * 60, until_min=18 * 60),))
    pack = changed_pack(lanes=(day,))
    assert judged(a_full_declaration(), pack).reasons == (Reason.OUTSIDE_HOURS,)
    booked = a_full_declaration(
        appointment=Appointment(from_ms=NOW_MS - HOUR_MS, until_ms=NOW_MS + HOUR_MS)
    )
    assert judged(booked, pack).reasons == RELEASED
    never = msgspec.structs.replace(day, appointments="none")
    assert judged(booked, changed_pack(lanes=(never,))).reasons == (Reason.OUTSIDE_HOURS,)


@pytest.mark.parametrize(
    ("days", "from_min", "until_min", "holidays", "is_open"),
    [
        ((1,), 22 * 60, 23 * 60, (), True),  # Monday 22:13 at the port
        ((2,), 22 * 60, 23 * 60, (), False),
        ((1,), 22 * 60 + 14, 23 * 60, (), False),
        ((1,), 0, 22 * 60 + 13, (), False),
        ((1,), 22 * 60, 23 * 60, (20260921,), False),
        ((7,), 23 * 60, 46 * 60 + 14, (), True),  # Sunday's opening lasts until Monday 22:14
        ((7,), 23 * 60, 46 * 60 + 14, (20260920,), False),
    ],
)
def test_row_30_the_calendar_is_by_the_ports_own_time(
    days: tuple[int, ...],
    from_min: int,
    until_min: int,
    holidays: tuple[int, ...],
    *,
    is_open: bool,
) -> None:
    hours = OpenHours(days=days, from_min=from_min, until_min=until_min)
    lanes = (LaneProfile(lane="lane1", hours=(hours,)),)
    verdict = judged(a_full_declaration(), changed_pack(lanes=lanes, holidays=holidays))
    assert verdict.reasons == (RELEASED if is_open else (Reason.OUTSIDE_HOURS,))


def test_row_31_a_transit_that_is_overdue_is_inspected_and_one_too_early_waits() -> None:
    overdue = judged(a_full_declaration(transit=a_transit(until_ms=NOW_MS - 1)))
    assert (overdue.outcome, overdue.reasons) == (Outcome.INSPECT, (Reason.TRANSIT_LATE,))
    early = judged(a_full_declaration(transit=a_transit(from_ms=NOW_MS + 1)))
    assert early.reasons == (Reason.TRANSIT_EARLY,)


def test_row_36_tax_paid_electronically_is_a_condition_of_release() -> None:
    def tax(state: str) -> tuple[Outcome, tuple[Reason, ...]]:
        items = (
            DocumentItem(code="tax", state=state),
            DocumentItem(code="licence", state="none", checked_at_ms=NOW_MS),
        )
        verdict = judged(a_full_declaration(items=items))
        return verdict.outcome, verdict.reasons

    assert tax("paid") == (Outcome.RELEASE, RELEASED)
    assert tax("due") == (Outcome.HOLD, (Reason.CONDITION_NOT_MET,))
    assert tax("evaded") == (Outcome.REFUSE, (Reason.CONDITION_FAILED,))


def test_row_37_of_two_answers_about_one_permit_the_worse_one_is_believed() -> None:
    items = (
        *a_full_declaration().items,
        DocumentItem(code="licence", state="unmatched", checked_at_ms=NOW_MS),
    )
    assert judged(a_full_declaration(items=items)).reasons == (Reason.CONDITION_NOT_MET,)


@pytest.mark.parametrize(("hours", "name"), [(72, "advanced"), (None, "general")])
def test_row_38_when_papers_are_due_depends_on_the_class(hours: int | None, name: str) -> None:
    verdict = judged(a_full_declaration(credit_class=name))
    due = [each.due_ms for each in verdict.obligations if each.code == "documents"]
    assert due == ([] if hours is None else [NOW_MS + hours * HOUR_MS])


def test_row_39_a_share_of_unknown_risk_is_a_persons_and_risk_nobody_asked_for_is_unknown() -> None:
    for risk in (Risk.UNKNOWN, None):
        for number, reasons in ((299, (Reason.RISK_REVIEW,)), (300, RELEASED)):
            drawn = Draw(period="2026-09", inspect_permille=999, review_permille=number)
            assert judged(a_full_declaration(risk=risk, drawn=drawn)).reasons == reasons
    low = Draw(period="2026-09", inspect_permille=999, review_permille=0)
    assert judged(a_full_declaration(risk=Risk.LOW, drawn=low)).reasons == RELEASED


def test_row_39_a_draw_of_another_period_is_no_draw() -> None:
    old = Draw(period="2026-08", inspect_permille=999, review_permille=999)
    assert judged(a_full_declaration(drawn=old)).reasons == (Reason.DRAW_UNAVAILABLE,)


def test_row_39_a_driver_who_backs_out_and_returns_draws_the_same_number() -> None:
    unlucky = next(
        f"D{number}"
        for number in range(1000)
        if draw(SECRET, "2026-09", f"D{number}").inspect_permille < 20
    )
    for passage in ("lane1-e-000001", "lane2-f-000077"):
        evidence = replace(good_evidence(), passage_id=PassageId(passage))
        drawn = draw(SECRET, "2026-09", unlucky)
        verdict = judged(a_full_declaration(declaration_id=unlucky, drawn=drawn), evidence=evidence)
        assert verdict.reasons == (Reason.DRAWN_FOR_INSPECTION,)


@pytest.mark.parametrize("code", ["tax", "licence"])
def test_row_40_released_by_itself_only_where_every_condition_is_known_to_be_met(code: str) -> None:
    items = tuple(item for item in a_full_declaration().items if item.code != code)
    verdict = judged(a_full_declaration(items=items))
    assert (verdict.outcome, verdict.reasons) == (Outcome.HOLD, (Reason.CONDITION_MISSING,))


def test_row_40_a_condition_for_some_cargo_holds_for_those_who_do_not_say_theirs() -> None:
    condition = DocumentCondition(code="waste permit", accepted=("ok",), cargos=("waste",))
    pack = changed_pack(conditions=(*PACK.conditions, condition), weights=())
    assert judged(a_full_declaration(cargo="toys"), pack).reasons == RELEASED
    for cargo in ("waste", ""):
        assert judged(a_full_declaration(cargo=cargo), pack).reasons == (Reason.CONDITION_MISSING,)


def test_row_42_a_hold_goes_before_everything_and_before_every_cleaner_paper() -> None:
    held = a_full_declaration(
        agencies=(
            *a_full_declaration().agencies,
            AgencyAnswer(agency="customs", state=AgencyState.HOLD),
        )
    )
    verdict = judged(held)
    assert (verdict.outcome, verdict.reasons) == (Outcome.INSPECT, (Reason.AGENCY_HOLD,))
    story = LaneStory().ready()
    story.waits_for_verdict()
    clean = a_full_declaration(declaration_id="D2")
    story.manifest_answers(clean, held)
    assert "agency_hold" in story.verdict[1]
    assert story.raises() == 0


def test_row_43_the_sign_and_the_record_say_which_bay() -> None:
    hold = AgencyAnswer(agency="customs", state=AgencyState.HOLD)
    agencies = (*a_full_declaration().agencies, hold)
    assert judged(a_full_declaration(agencies=agencies)).place == "bay 3"
    assert judged(a_full_declaration(risk=Risk.HIGH)).place == "bay 1"
    assert judged(a_full_declaration(), evidence=weighing(GROSS_KG * 2)).place == "bay 9"
    assert judged(a_full_declaration()).place == ""


def test_row_46_a_lane_for_paper_shows_every_vehicle_to_a_person() -> None:
    pack = changed_pack(lanes=(LaneProfile(lane="lane1", is_manual=True),))
    assert judged(a_full_declaration(), pack).reasons == (Reason.LANE_MANUAL,)


@pytest.mark.parametrize(
    "answers",
    [
        ("hold", "agreed"),
        ("agreed", "hold"),
        ("pending", "hold"),
    ],
)
def test_row_51_no_agency_releases_what_another_holds(answers: tuple[str, str]) -> None:
    agencies = tuple(
        AgencyAnswer(agency=name, state=AgencyState(state), at_ms=NOW_MS)
        for name, state in zip(("customs", "quarantine"), answers, strict=True)
    )
    verdict = judged(a_full_declaration(agencies=agencies))
    assert verdict.outcome is Outcome.INSPECT
    assert Reason.AGENCY_HOLD in verdict.reasons


@pytest.mark.parametrize(
    ("state", "hours_ago", "reason"),
    [
        (AgencyState.PENDING, 0, Reason.AGENCY_PENDING),
        (AgencyState.AGREED, 2, Reason.AGENCY_STALE),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_row_51_of_two_answers_of_one_agency_the_worse_one_is_believed(
    state: AgencyState, hours_ago: int, reason: Reason, *, is_first: bool
) -> None:
    at_ms = NOW_MS - hours_ago * HOUR_MS
    second = AgencyAnswer(agency="quarantine", state=state, at_ms=at_ms)
    agreed = a_full_declaration().agencies
    agencies = (second, *agreed) if is_first else (*agreed, second)
    assert judged(a_full_declaration(agencies=agencies)).reasons == (reason,)


def test_row_55_a_permit_is_written_down_by_the_passage_that_used_it() -> None:
    permit = an_account(kind=AccountKind.PERMIT, account_id="P-1")
    story = LaneStory().ready()
    story.waits_for_verdict().manifest_answers(a_full_declaration(accounts=(permit,)))
    assert story.verdict == (Outcome.RELEASE, ())
    (used,) = story.all(MarkUsed)
    assert used.draws_on == (("P-1", 10),)


def test_row_57_the_finding_of_another_counts_where_the_port_recognizes_it() -> None:
    def found_by(source: str, rule: AgencyRule) -> tuple[Reason, ...]:
        agencies = (
            AgencyAnswer(agency="customs", state=AgencyState.AGREED),
            AgencyAnswer(
                agency="quarantine", state=AgencyState.AGREED, at_ms=NOW_MS, source=source
            ),
        )
        pack = changed_pack(agencies=(PACK.agencies[0], rule))
        return judged(a_full_declaration(agencies=agencies), pack).reasons

    rule = AgencyRule(agency="quarantine", accepts_from=("port of Q",))
    assert found_by("port of Q", rule) == RELEASED
    assert found_by("", rule) == RELEASED
    assert found_by("port of R", rule) == (Reason.AGENCY_PENDING,)


def test_wrong_way_round_is_turned_back_before_it_is_weighed_twice() -> None:
    verdict = judged(a_full_declaration(direction=Direction.IN))
    assert (verdict.outcome, verdict.reasons) == (Outcome.REFUSE, (Reason.WRONG_DIRECTION,))


def test_business_and_technical_reasons_are_apart() -> None:
    assert Reason.FEE_UNPAID.kind is ReasonKind.BUSINESS
    assert Reason.DRAWN_FOR_INSPECTION.kind is ReasonKind.BUSINESS
    assert Reason.PLATE_MISSING.kind is ReasonKind.TECHNICAL
    assert Reason.RELEASE_FAILED.kind is ReasonKind.TECHNICAL


def test_the_answer_about_a_used_declaration_is_the_same_under_a_demanding_pack() -> None:
    verdict = judged(a_full_declaration(used_by="lane9-e-000001"))
    assert (verdict.outcome, verdict.reasons) == (Outcome.REFUSE, (Reason.DECLARATION_USED,))
