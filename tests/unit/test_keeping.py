"""What no rule deletes: the open, the disputed, the owed, and what a named person keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from central.auth.roles import Role
from central.hub.retention import PASS_EVERY_S
from central.store import clip_store, keeping, obligation_store, retention_store
from central.store.connection import open_store
from central.store.keeping import KeepDeed, KeepError, KeepWord
from central.store.obligation_store import Deed, Word
from central.store.retention_store import FIRST
from central.store.rows import ClipState, KeptFor
from gate_agent.wire import v1
from tests.console_desk import BROWSER, Desk
from tests.console_scene import closed as left
from tests.retention_desk import (
    ALL_DAYS,
    DAY_S,
    a_word,
    alarms_are_seen,
    by_age,
    changed,
    decided,
    here,
    in_conflict,
    jpeg_of,
    later,
    page,
    passes,
    rules,
    taken,
    work,
)


def with_alarm(desk: Desk) -> None:
    passes(desk, "p-alarm", number=9)
    desk.send(v1.AlarmRaised(code="boom_forced", passage_id="p-alarm"))


def still_open(desk: Desk) -> None:
    desk.send(v1.PassageOpened(passage_id="p-open"), taken("p-open"), decided("p-open"))


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (still_open, KeptFor.OPEN),
        (in_conflict, KeptFor.CONFLICT),
        (with_alarm, KeptFor.ALARM),
        (lambda desk: passes(desk, "p-owes", number=1, owes=True), KeptFor.OBLIGATION),
    ],
)
def test_what_is_open_disputed_unseen_or_owed_is_kept_whatever_its_age(
    desk: Desk, happens: Callable[[Desk], None], why: KeptFor
) -> None:
    happens(desk)
    before = here(desk)
    assert before
    later(desk, 9_000 * DAY_S)
    room = changed(ALL_DAYS, room_after_days=1, disk_free_gb=500.0)
    work(rules(desk, room, free_gb=2.0))
    assert here(desk) == before
    for passage_id in before:
        found = desk.services.store.read_now(keeping.of, passage_id)
        assert found is not None
        assert why in found.because


def test_what_is_settled_goes_with_the_next_pass(desk: Desk) -> None:
    passes(desk, "p-owes", number=1, owes=True)
    with_alarm(desk)
    later(desk, 366 * DAY_S)
    retention = rules(desk)
    work(retention)
    assert here(desk) == {"p-owes", "p-alarm"}
    now_ms, store = desk.clock.wall_ms(), desk.services.store
    word = Word(
        passage_id="p-owes", code="documents", to="", deed=Deed.CLOSED, by="sun.li", at_ms=now_ms,
        number="7",
    )  # fmt: skip
    store.write_now(obligation_store.say, word)
    alarms_are_seen(store, now_ms)
    work(retention)
    assert here(desk) == {"p-owes", "p-alarm"}, "one look at everything old is enough for a while"
    later(desk, PASS_EVERY_S + 1)
    work(retention)
    assert here(desk) == set()


def test_a_named_person_keeps_a_passage_and_an_administrator_ends_it_with_reasons_on_record(
    desk: Desk,
) -> None:
    passes(desk, "p-1", number=1)
    passes(desk, "p-2", number=2)
    supervisor, admin = desk.token(Role.SUPERVISOR), desk.token(Role.ADMINISTRATOR)

    def say(word: str, reason: str, who: dict[str, str]) -> int:
        answer = desk.client.post(
            f"/api/v1/passages/p-1/{word}", json={"reason": reason}, headers=who
        )
        return int(answer.status_code)

    assert say("keep", "  ", supervisor) == 400
    assert say("keep", "a complaint of 5 May", supervisor) == 200
    assert say("keep", "again", supervisor) == 409
    later(desk, 366 * DAY_S)
    work(rules(desk))
    assert here(desk) == {"p-1"}
    assert say("end-keep", "settled", supervisor) == 403
    assert say("end-keep", "settled", admin) == 200
    assert say("end-keep", "settled", admin) == 409
    told = desk.client.get("/api/v1/passages/p-1", headers=supervisor).json()
    assert [(row["action"], row["detail"]) for row in told["audit"]] == [
        ("keep_kept", "a complaint of 5 May"),
        ("keep_ended", "settled"),
    ]
    work(rules(desk))
    assert here(desk) == set()
    gone = desk.client.post("/api/v1/passages/none/keep", json={"reason": "x"}, headers=supervisor)
    assert gone.status_code == 404


def test_the_passage_page_keeps_and_shows_who_keeps_since_when_and_why(desk: Desk) -> None:
    passes(desk, "p-1", number=1)
    desk.sign_in("sun.li")
    assert "no number of days is set" in page(desk, "/passages/p-1")
    form = {"reason_text": "诉讼"}
    assert desk.client.post("/passages/p-1/keep", data={}, headers=BROWSER).status_code == 400
    assert desk.client.post("/passages/p-1/keep", data=form, headers=BROWSER).status_code == 303
    assert desk.client.post("/passages/p-1/keep", data=form, headers=BROWSER).status_code == 409
    shown = page(desk, "/passages/p-1")
    assert "by sun.li since" in shown
    assert "诉讼" in shown
    assert "/end-keep" not in shown
    assert desk.client.post("/passages/p-1/end-keep", data=form, headers=BROWSER).status_code == 403
    desk.sign_in("admin")
    assert "/end-keep" in page(desk, "/passages/p-1")
    answer = desk.client.post("/passages/p-1/end-keep", data=form, headers=BROWSER)
    assert answer.status_code == 303
    assert "admin ended on" in page(desk, "/passages/p-1")


def test_a_dispute_ends_by_a_persons_word_only_and_then_its_pictures_may_go(desk: Desk) -> None:
    in_conflict(desk)
    later(desk, 366 * DAY_S)
    store, now_ms = desk.services.store, desk.clock.wall_ms()
    alarms_are_seen(store, now_ms)
    work(rules(desk))
    assert here(desk) == {"p-first", "p-second"}, "having seen an alarm settles nothing"
    word = KeepWord(
        passage_id="p-first", deed=KeepDeed.ENDED, by="admin", at_ms=now_ms, reason="a copied plate"
    )
    store.write_now(keeping.say, word)
    work(rules(desk))
    assert here(desk) == {"p-second"}
    desk.sign_in("vera")
    assert "1 pictures deleted by rule" in page(desk, "/conflicts")


def test_a_person_who_keeps_it_in_the_same_moment_is_heard(desk: Desk) -> None:
    passes(desk, "p-1", number=1)
    store, at_ms = desk.services.store, desk.clock.wall_ms()
    wanted = by_age(at_ms + 1)
    found = store.read_now(retention_store.look, wanted, FIRST)
    assert len(found.may_go) == 1
    store.write_now(keeping.say, a_word("p-1", at_ms))
    assert store.write_now(retention_store.delete, found.may_go, wanted, at_ms=at_ms) == ()
    assert here(desk) == {"p-1"}


def test_one_picture_of_two_passages_goes_when_both_let_it_go_and_is_as_young_as_the_last(
    desk: Desk,
) -> None:
    """A camera that froze sends the same bytes for every vehicle."""
    passes(desk, "p-1", number=1)
    later(desk, 300 * DAY_S)
    same = taken("p-2", jpeg_of("p-1"))
    desk.send(v1.PassageOpened(passage_id="p-2"), same, decided("p-2", number=2))
    later(desk, 100 * DAY_S)
    desk.send(left("p-2", "release", "lane"))
    work(rules(desk))
    assert here(desk) == {"p-1", "p-2"}
    later(desk, 300 * DAY_S)
    word = a_word("p-1", at_ms=0)
    desk.services.store.write_now(keeping.say, word)
    work(rules(desk))
    assert here(desk) == {"p-1", "p-2"}
    ended = replace(word, deed=KeepDeed.ENDED)
    desk.services.store.write_now(keeping.say, ended)
    work(rules(desk))
    assert here(desk) == set()
    for passage_id in ("p-1", "p-2"):
        assert len(desk.services.store.read_now(retention_store.deletions_of, passage_id)) == 1


def test_whoever_keeps_a_passage_fetches_its_clip_before_the_lane_deletes_it(desk: Desk) -> None:
    passes(desk, "p-1", number=1, clip_id="ab" * 32)
    answer = desk.client.post(
        "/api/v1/passages/p-1/keep", json={"reason": "court"}, headers=desk.token(Role.SUPERVISOR)
    )
    assert (answer.status_code, answer.json()["because"]) == (200, ["person"])
    row = desk.services.store.read_now(clip_store.clip_of, "p-1")
    assert row is not None
    assert row.state is ClipState.PENDING


def test_a_word_about_a_passage_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path / "hub.db")
    with pytest.raises(KeepError, match="not known here"):
        store.write_now(keeping.say, a_word("p-1"))
    store.close()
