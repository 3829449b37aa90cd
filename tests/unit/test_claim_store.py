"""The hub gives a declaration to the passage that asks first, until it ends unreleased."""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from central.store import claim_store
from central.store.connection import Store, open_store
from gate_agent.wire.v1 import (
    ClaimAnswer,
    ClaimRequest,
    PassageOpened,
    PassageOverridden,
    RecordBody,
)
from tests.hub_bench import (
    NOW_MS,
    a_declaration,
    a_passage,
    a_store,
    closed,
    decided,
    record,
    take_bodies,
    take_records,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with a_store(tmp_path / "hub.db") as opened:
        yield opened


def asks(
    store: Store,
    number: int,
    *,
    lane: str = "lane1",
    epoch: str = "e1",
    token: int = 5,
    declaration_id: str = "D1",
) -> ClaimAnswer | None:
    request = ClaimRequest(
        lane=lane,
        epoch=epoch,
        token=token,
        passage_id=f"{lane}-{epoch}-{number:06d}",
        declaration_id=declaration_id,
    )
    return store.write_now(claim_store.claim, request, NOW_MS)


def state(answer: ClaimAnswer | None) -> tuple[str, str]:
    assert answer is not None
    return answer.state, answer.holder


def test_the_first_lane_that_asks_has_it_and_the_second_hears_who(store: Store) -> None:
    assert state(asks(store, 1)) == ("granted", "")
    assert state(asks(store, 1, lane="lane2")) == ("held", "lane1-e1-000001")


def test_the_same_passage_gets_the_same_answer_again_and_its_own_token(store: Store) -> None:
    asks(store, 1)
    again = asks(store, 1, token=9)
    assert state(again) == ("granted", "")
    assert again is not None
    assert again.token == 9


def test_a_claim_outlives_the_hubs_process(tmp_path: Path) -> None:
    with a_store(tmp_path / "hub.db") as store:
        asks(store, 1)
    store = open_store(tmp_path / "hub.db")
    assert state(asks(store, 1, lane="lane2")) == ("held", "lane1-e1-000001")
    store.close()


def test_a_lane_that_went_on_to_its_next_vehicle_holds_nothing_for_the_last(store: Store) -> None:
    asks(store, 1)
    assert state(asks(store, 2)) == ("granted", "")
    assert state(asks(store, 1, lane="lane2")) == ("held", "lane1-e1-000002")


def test_a_lane_that_lost_its_database_does_not_take_over_what_it_had(store: Store) -> None:
    asks(store, 1)
    assert state(asks(store, 1, epoch="e2")) == ("held", "lane1-e1-000001")


def test_a_passage_that_ends_without_release_frees_what_it_held(store: Store) -> None:
    asks(store, 1)
    take_bodies(store, *a_passage("lane1-e1-000001", "hold"))
    assert state(asks(store, 1, lane="lane2")) == ("granted", "")


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_what_a_released_passage_did_not_use_is_free_whichever_way_its_records_come(
    store: Store, order: tuple[int, ...]
) -> None:
    """The plate named D1, a person released it on D2: the truck of D1 is still to come."""
    ours = "lane1-e1-000001"
    asks(store, 1, declaration_id="D1")
    asks(store, 1, declaration_id="D2")
    bodies: list[RecordBody] = [
        PassageOpened(passage_id=ours),
        decided(ours, "hold", a_declaration(2, declaration_id="D2")),
        PassageOverridden(
            passage_id=ours, command_id="c1", decision="release", by="ada", reason="seen"
        ),
        closed(ours, "release"),
    ]
    for place in order:
        assert state(asks(store, 1, lane="lane2", declaration_id="D2"))[0] in ("held", "used")
        take_records(store, [record(place + 1, bodies[place])])
    assert state(asks(store, 1, lane="lane2", declaration_id="D1")) == ("granted", "")
    assert state(asks(store, 1, lane="lane2", declaration_id="D2")) == ("used", ours)


def test_a_release_without_any_paper_holds_none(store: Store) -> None:
    asks(store, 1)
    take_bodies(
        store,
        decided("lane1-e1-000001", "hold"),
        PassageOverridden(
            passage_id="lane1-e1-000001", command_id="c1", decision="release", by="a", reason="b"
        ),
        closed("lane1-e1-000001", "release"),
    )
    assert state(asks(store, 1, lane="lane2")) == ("granted", "")


def test_a_question_that_arrives_after_its_passage_ended_holds_nothing(store: Store) -> None:
    take_bodies(store, *a_passage("lane1-e1-000001", "hold"))
    assert asks(store, 1) is None
    assert state(asks(store, 1, lane="lane2")) == ("granted", "")


def test_what_a_release_used_up_nobody_gets_any_more(store: Store) -> None:
    asks(store, 1)
    paper = a_declaration(1, declaration_id="D1")
    take_bodies(store, decided("lane1-e1-000001", "release", paper))
    assert state(asks(store, 1, lane="lane2")) == ("used", "lane1-e1-000001")
    assert state(asks(store, 1)) == ("granted", "")
