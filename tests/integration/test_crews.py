"""A declaration may name a crew: any of its cards may come with the vehicle, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from central.auth.roles import Role
from central.console.comparison import Standing, compare
from central.console.nearest import nearest
from central.store import manifest_queries
from gate_agent.domain.decision import decide
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.reasons import Reason
from gate_agent.domain.vocabulary import Outcome
from gate_agent.store.declared_plates import DeclaredPlates
from gate_agent.store.hub_cache import HubCache
from gate_agent.store.manifest_reader import ManifestReader
from gate_agent.wire import digest
from gate_agent.wire.v1 import DeclarationRow
from tests.builders import CARD, PACK, PLATE, START, a_declaration, good_evidence
from tests.console_desk import Desk
from tests.console_scene import evidence

CREW = ("04D0D0D0", "44030119800101123X")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HubCache]:
    with closing(HubCache(tmp_path / "lane.db")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("card", "outcome", "reasons"),
    [
        (CARD, Outcome.RELEASE, ()),
        ("04:d0:d0:d0", Outcome.RELEASE, ()),
        ("44030119800101123X", Outcome.RELEASE, ()),
        ("04D0D0D1", Outcome.HOLD, (Reason.PLATE_CARD_MISMATCH,)),
    ],
)
def test_row_32_the_driver_or_one_of_the_crew_may_come_and_nobody_else(
    card: str, outcome: Outcome, reasons: tuple[Reason, ...]
) -> None:
    whole = good_evidence()
    assert whole.card is not None
    seen = replace(whole, card=replace(whole.card, uid=card))
    verdict = decide(seen, (replace(a_declaration(), crew=CREW),), PACK, START.wall_ms)
    assert (verdict.outcome, verdict.reasons) == (outcome, reasons)


def test_a_blocked_card_is_blocked_on_a_crew_list_too_and_a_hold_on_another_paper_counts() -> None:
    whole = good_evidence()
    assert whole.card is not None
    seen = replace(whole, card=replace(whole.card, uid=CREW[0]))
    paper = replace(a_declaration(), crew=CREW)

    def reasons(*papers: Declaration, blocked: tuple[str, ...] = ()) -> tuple[Reason, ...]:
        pack = msgspec.structs.replace(PACK, blocked_cards=blocked)
        return decide(seen, (paper, *papers), pack, START.wall_ms).reasons

    assert reasons(blocked=(CREW[0],)) == (Reason.CARD_BLOCKED,)
    held = replace(
        a_declaration(declaration_id="D2", plates=("粤B00000",), holds=("customs",)), crew=CREW
    )
    assert reasons(held) == (Reason.AGENCY_HOLD,)


def imported(desk: Desk, crew: str) -> list[dict[str, object]]:
    content = (
        "declaration_id,plates,card_uid,gross_kg,valid_from,valid_until,documents,crew\n"
        f"D1,{PLATE},{CARD},32000,2026-01-01T00:00Z,2036-01-01T00:00Z,released,{crew}\n"
    )
    headers = desk.token(Role.ADMINISTRATOR) | {"content-type": "text/csv"}
    answer = desk.client.post(
        "/api/v1/manifest/import?format=csv", content=content.encode(), headers=headers
    )
    assert answer.status_code == 200, answer.text
    refused: list[dict[str, object]] = answer.json()["refused"]
    return refused


def at_the_hub(desk: Desk, card: str) -> tuple[DeclarationRow, ...]:
    return desk.services.store.read_now(manifest_queries.by_card, card)


def taken(cache: HubCache, version: int, row: DeclarationRow) -> None:
    """The lane takes what the hub has, as long as it comes to the same digest."""
    cache.apply(
        version=version, replace_all=False, upserts=[row], deletes=[], count=1,
        expected_digest=digest.changed(digest.EMPTY, added=[digest.row_digest(row)]), at_ms=1,
    )  # fmt: skip


def found(cache: HubCache, card: str) -> list[str]:
    with closing(ManifestReader(cache.path, lambda _: None)) as reader:
        return [each.declaration_id for each in reader.find(None, card)[0]]


def test_row_32_an_imported_crew_is_found_by_each_card_at_the_hub_and_at_the_lane(
    desk: Desk, cache: HubCache
) -> None:
    assert imported(desk, "|".join(CREW)) == []
    (row,) = at_the_hub(desk, CREW[0])
    assert row.crew == CREW
    taken(cache, 1, row)
    for card in (CARD, *CREW):
        assert at_the_hub(desk, card) == (row,)
        assert found(cache, card) == ["D1"]
        with closing(DeclaredPlates(cache.path)) as plates:
            assert plates.of_card(card) == [PLATE], "its picture is held against their plate"
    assert found(cache, "04D0D0D1") == []
    assert imported(desk, CREW[1]) == []  # somebody is taken off the list
    assert at_the_hub(desk, CREW[0]) == ()
    taken(cache, 2, at_the_hub(desk, CREW[1])[0])
    assert [found(cache, card) for card in (CARD, *CREW)] == [["D1"], [], ["D1"]]


def test_a_bad_card_of_a_crew_is_refused_with_its_line(desk: Desk) -> None:
    (refused,) = imported(desk, "04A1|" + CREW[0])
    assert (refused["line"], refused["field"]) == (2, "crew")
    (refused,) = imported(desk, "|".join(f"04D0D0{number:02}" for number in range(17)))
    assert (refused["field"], refused["reason"]) == ("crew", "17 entries, at most 16")


def test_the_console_takes_a_card_of_the_crew_for_the_declared_one(desk: Desk) -> None:
    imported(desk, "|".join(CREW))
    (row,) = at_the_hub(desk, CARD)
    for card, expected in ((CREW[0], Standing.MATCH), ("04D0D0D1", Standing.DIFFERS)):
        shown = compare(evidence(PLATE, card, 32_000), row, ())
        (standing,) = [each.standing for each in shown.rows if each.check == "card"]
        assert standing is expected
    (near,) = desk.services.store.read_now(nearest, evidence("粤Z99999", CREW[0], 32_000))
    assert near.same_card
    desk.sign_in("vera")
    page = desk.client.get(f"/manifest?q={CREW[0]}", headers={"accept-language": "zh"}).text
    assert "同车人员" in page
    assert CREW[1] in page
