"""Packs and secrets from the hub's import to the lane's next vehicle, through both databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from central.store import draw_queries, policy_store
from central.store.connection import Store, open_store
from central.store.policy_store import Distribution, PackRow, PolicyConflictError
from devices.clock import ManualClock
from gate_agent.domain.draws import commitment, draw
from gate_agent.domain.effects import FindDeclarations
from gate_agent.domain.events import DeclarationsFound
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.policy_pack import DrawPeriod, PolicyPack, canonical, in_force
from gate_agent.domain.vocabulary import LaneId
from gate_agent.inbox import Inbox
from gate_agent.runtime.deadlines import Deadlines
from gate_agent.runtime.lane_loop import LaneLoop
from gate_agent.store.hub_cache import HubCache
from gate_agent.store.lane_store import LaneStore
from gate_agent.store.manifest_reader import ManifestReader
from gate_agent.uplink.policy_sync import REFUSED_ASK_EVERY_S, PolicySync
from gate_agent.wire import digest, v1
from tests.agent_rig import quiet_log

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
SECRET = bytes(range(32))
PERIOD = DrawPeriod(
    period="2026-10",
    from_ms=NOW_MS + HOUR_MS,
    until_ms=NOW_MS + 2 * HOUR_MS,
    commitment=commitment(SECRET),
)


def a_pack(version: str = "1", **changed: Any) -> PolicyPack:  # noqa: ANN401 - any field
    return PolicyPack(version=version, owner="rules desk", **changed)


@dataclass
class Hub:
    """The hub's tables, as its own thread writes them."""

    store: Store

    def imports(self, pack: PolicyPack, at_ms: int = NOW_MS) -> PackRow:
        return self.store._write(
            policy_store.keep_pack, pack, at_ms=at_ms, who="admin", source="pack.json"
        )

    def commits(self, secret: bytes = SECRET, period: str = "2026-10") -> None:
        self.store._write(
            policy_store.new_period,
            period,
            secret,
            from_ms=PERIOD.from_ms,
            until_ms=PERIOD.until_ms,
            at_ms=NOW_MS,
            who="admin",
        )

    def distributes(self, at_ms: int = NOW_MS) -> Distribution:
        return self.store._write(policy_store.distribution, at_ms)

    def says(self, at_ms: int = NOW_MS) -> v1.PolicyPacks:
        """What a lane is sent, off the wire."""
        held = self.distributes(at_ms)
        sent = v1.PolicyPacks(digest=held.digest, packs=held.packs, secrets=held.secrets)
        heard = v1.decode_hub_message(v1.encode(sent))
        assert isinstance(heard, v1.PolicyPacks)
        return heard


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    store = open_store(tmp_path / "hub.db")
    yield Hub(store)
    store.close()


@dataclass
class LaneEnd:
    """A lane's cache and the part of its uplink that keeps it."""

    path: Path
    asked: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cache = HubCache(self.path)
        self.sync = self.begins()

    def begins(self) -> PolicySync:
        def send(payload: bytes) -> bool:
            self.asked.append(payload)
            return True

        return PolicySync(self.cache, "lane1", send, quiet_log())


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[LaneEnd]:
    end = LaneEnd(tmp_path / "lane-hub.db")
    yield end
    end.cache.close()


def test_a_pack_reaches_the_lane_and_outlives_its_restart(hub: Hub, lane: LaneEnd) -> None:
    hub.imports(a_pack())
    message = hub.says()
    assert lane.sync.hear_digest(message.digest, 0.0) is False
    assert v1.decode_lane_message(lane.asked[0]) == v1.PolicyRequest(lane="lane1", have="")
    lane.sync.take(message)
    assert lane.sync.hear_digest(message.digest, 1.0) is True
    again = lane.begins()
    assert again.held == lane.sync.held
    assert again.held.current(NOW_MS) == a_pack()


def test_a_lane_that_was_never_given_the_ports_rules_confirms_no_manifest(
    hub: Hub, lane: LaneEnd
) -> None:
    """Else it would judge by its built-in rules what the port has ruled otherwise."""
    assert lane.sync.hear_digest("", 0.0) is True  # the port has no rules of its own
    hub.imports(a_pack())
    assert lane.sync.hear_digest(hub.distributes().digest, 1.0) is False
    assert lane.sync.hear_digest(hub.distributes().digest, 2.0) is False
    assert len(lane.asked) == 1  # not at every head


def test_the_pack_that_comes_later_is_there_before_it_is_in_force(hub: Hub, lane: LaneEnd) -> None:
    hub.imports(a_pack("1"))
    hub.imports(a_pack("2", effective_from_ms=NOW_MS + HOUR_MS))
    lane.sync.take(hub.says())
    held = lane.sync.held
    assert held.current(NOW_MS) == a_pack("1")
    later = held.current(NOW_MS + HOUR_MS)
    assert later is not None
    assert later.version == "2"


def test_a_pack_that_is_over_leaves_no_lane_with_what_it_replaced(hub: Hub, lane: LaneEnd) -> None:
    hub.imports(a_pack(effective_until_ms=NOW_MS + 1))
    message = hub.says(NOW_MS + HOUR_MS)
    assert message.digest
    lane.sync.take(message)
    assert lane.sync.held.current(NOW_MS + HOUR_MS) is None
    assert lane.sync.held.packs == (a_pack(effective_until_ms=NOW_MS + 1),)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: msgspec.structs.replace(m, packs=(b'{"version":"1"}',)),
        lambda m: msgspec.structs.replace(m, packs=()),
        lambda m: msgspec.structs.replace(m, digest="0" * 64),
        lambda m: msgspec.structs.replace(
            m, secrets=(v1.DrawSecret(period="2026-10", secret=b"x" * 32),)
        ),
        lambda m: msgspec.structs.replace(
            m, secrets=(*m.secrets, v1.DrawSecret(period="2027", secret=b"x" * 32))
        ),
    ],
)
def test_what_does_not_add_up_is_refused_whole_and_the_old_pack_stays(
    hub: Hub, lane: LaneEnd, spoil: Callable[[v1.PolicyPacks], v1.PolicyPacks]
) -> None:
    hub.imports(a_pack("1"))
    lane.sync.take(hub.says())
    before = lane.sync.held
    hub.commits()
    hub.imports(a_pack("2", draw_periods=(PERIOD,)))
    bad = spoil(hub.says())
    lane.sync.take(bad)
    assert lane.sync.held == before
    assert lane.begins().held == before
    lane.asked.clear()
    assert lane.sync.hear_digest(bad.digest, 10.0) is True
    lane.sync.hear_digest(bad.digest, 20.0)
    assert len(lane.asked) == 1  # what was refused is asked for again only after a while
    lane.sync.hear_digest(bad.digest, 11.0 + REFUSED_ASK_EVERY_S)
    assert len(lane.asked) == 2


def test_a_lane_says_that_it_cannot_take_what_the_hub_names_until_it_can(
    hub: Hub, lane: LaneEnd
) -> None:
    hub.imports(a_pack("1"))
    first = hub.says()
    lane.sync.take(first)
    lane.sync.hear_digest(first.digest, 0.0)
    assert (lane.sync.is_current, lane.sync.refusal) == (True, None)
    body = b'{"is_of_2027":true,"owner":"rules desk","version":"2"}'
    later = v1.PolicyPacks(digest=digest.policy_digest([body], []), packs=(body,))
    lane.sync.hear_digest(later.digest, 10.0)
    assert (lane.sync.is_current, lane.sync.refusal) == (False, None)  # it has not come yet
    lane.sync.take(later)
    refusal = lane.sync.refusal
    assert refusal is not None
    assert refusal.digest == later.digest
    assert "is_of_2027" in refusal.why
    assert lane.sync.held.digest == first.digest
    hub.imports(a_pack("3"))
    lane.sync.hear_digest(hub.says().digest, 20.0)
    assert (lane.sync.is_current, lane.sync.refusal) == (False, None)
    lane.sync.take(hub.says())
    assert (lane.sync.is_current, lane.sync.refusal) == (True, None)


def test_a_secret_travels_apart_from_the_pack_and_draws_what_the_auditor_redoes(
    hub: Hub, lane: LaneEnd
) -> None:
    hub.commits()
    pack = a_pack(draw_periods=(PERIOD,))
    hub.imports(pack)
    message = hub.says()
    assert SECRET not in b"".join(message.packs)
    lane.sync.take(message)
    held = lane.begins().held
    at_ms = PERIOD.from_ms
    assert held.draw(pack, at_ms, "D1") == draw(SECRET, "2026-10", "D1")
    assert held.draw(pack, at_ms - 1, "D1") is None  # outside the period
    assert "secret" not in repr(held)


def test_a_pack_that_names_a_secret_nobody_has_is_refused_by_its_field(hub: Hub) -> None:
    with pytest.raises(PolicyConflictError, match=r"\$\.draw_periods\[0\].*'2026-10'"):
        hub.imports(a_pack(draw_periods=(PERIOD,)))
    hub.commits(b"another secret of 32 bytes length")
    with pytest.raises(PolicyConflictError, match="commitment"):
        hub.imports(a_pack(draw_periods=(PERIOD,)))
    assert hub.distributes().digest == ""


@pytest.mark.parametrize("field", ["from_ms", "until_ms"])
def test_a_pack_gives_a_period_no_other_ends_than_the_hub_committed_to(
    hub: Hub, field: str
) -> None:
    hub.commits()
    later = msgspec.structs.replace(PERIOD, **{field: getattr(PERIOD, field) + 1})
    with pytest.raises(PolicyConflictError, match=rf"\$\.draw_periods\[0\]\.{field}: .*'2026-10'"):
        hub.imports(a_pack(draw_periods=(later,)))
    hub.imports(a_pack(draw_periods=(PERIOD,)))


def test_a_secret_that_may_be_revealed_draws_no_more_though_a_pack_says_so(
    hub: Hub, lane: LaneEnd
) -> None:
    """A pack that was taken before the hub compared the ends."""
    hub.commits()
    longer = msgspec.structs.replace(PERIOD, until_ms=PERIOD.until_ms + HOUR_MS)
    pack = a_pack(draw_periods=(longer,))
    hub.imports(a_pack("2", draw_periods=(PERIOD,)))
    (secret,) = hub.says().secrets
    assert (secret.from_ms, secret.until_ms) == (PERIOD.from_ms, PERIOD.until_ms)
    body = canonical(pack)
    lane.sync.take(
        v1.PolicyPacks(
            digest=digest.policy_digest([body], [secret.period]), packs=(body,), secrets=(secret,)
        )
    )
    for held in (lane.sync.held, lane.begins().held):
        assert held.packs == (pack,)
        assert held.draw(pack, PERIOD.from_ms, "D1") is None
        assert held.draw(a_pack(draw_periods=(PERIOD,)), PERIOD.from_ms, "D1") is not None


def test_one_version_says_one_thing(hub: Hub) -> None:
    first = hub.imports(a_pack())
    assert hub.imports(a_pack(), NOW_MS + 1) == first
    with pytest.raises(PolicyConflictError, match=r"\$\.version: '1' is here already"):
        hub.imports(a_pack(is_fee_required=True))


def test_a_pack_that_is_over_is_not_taken(hub: Hub) -> None:
    with pytest.raises(PolicyConflictError, match=r"\$\.effective_until_ms"):
        hub.imports(a_pack(effective_until_ms=NOW_MS))


def test_a_secret_is_committed_to_before_its_period_and_revealed_only_after_it(hub: Hub) -> None:
    hub.commits()
    with pytest.raises(PolicyConflictError, match="already"):
        hub.commits()
    reveal = policy_store.reveal
    with pytest.raises(PolicyConflictError, match="not over"):
        hub.store._write(reveal, "2026-10", at_ms=PERIOD.until_ms - 1, who="admin")
    (row,) = hub.store._write(policy_store.periods)
    assert row.secret is None
    assert row.commitment == commitment(SECRET)
    shown = hub.store._write(reveal, "2026-10", at_ms=PERIOD.until_ms, who="admin")
    assert shown.secret == SECRET.hex()
    with pytest.raises(PolicyConflictError, match="later than now"):
        hub.store._write(
            policy_store.new_period,
            "p",
            SECRET,
            from_ms=NOW_MS,
            until_ms=NOW_MS + 1,
            at_ms=NOW_MS,
            who="admin",
        )


def test_every_deed_about_rules_and_secrets_is_in_the_log_and_no_secret_is(hub: Hub) -> None:
    hub.commits()
    hub.imports(a_pack(draw_periods=(PERIOD,)))
    hub.store._write(policy_store.reveal, "2026-10", at_ms=PERIOD.until_ms, who="admin")

    def log(db: sqlite3.Connection) -> list[tuple[str, str]]:
        return list(db.execute("SELECT action, detail FROM audit ORDER BY audit_id"))

    deeds = hub.store._write(log)
    assert [action for action, _ in deeds] == ["draw_committed", "policy_import", "draw_revealed"]
    assert not [detail for _, detail in deeds if SECRET.hex() in detail]


def test_of_two_packs_in_force_hub_and_lane_choose_the_same_in_any_order() -> None:
    packs = [a_pack("1"), a_pack("2", effective_from_ms=5), a_pack("3", effective_from_ms=5)]
    for order in (packs, packs[::-1]):
        chosen = in_force(order, NOW_MS)
        assert chosen is not None
        assert chosen.version == "3"
    assert in_force([], NOW_MS) is None


def test_the_audit_of_draws_finds_a_number_that_the_secret_does_not_give(hub: Hub) -> None:
    hub.commits()
    honest = draw(SECRET, "2026-10", "D1")
    rows = {
        "honest": ("D1", (honest.inspect_permille, honest.review_permille)),
        "steered": ("D2", (999, 999)),
        "undrawn": ("D3", None),
    }

    def put(db: sqlite3.Connection) -> None:
        for passage_id, (declaration_id, numbers) in rows.items():
            drawn = numbers and v1.DrawRow(
                period="2026-10", inspect_permille=numbers[0], review_permille=numbers[1]
            )
            row = v1.DeclarationRow(
                declaration_id=declaration_id,
                plates=("A",),
                card_uid="04A1B2C3",
                gross_kg=1,
                valid_from_ms=0,
                valid_until_ms=1,
                credit_class="AA",
                drawn=drawn,
            )
            db.execute(
                "INSERT INTO passages (passage_id, lane, epoch, first_at_ms, first_received_ms,"
                " decided_at_ms, declaration, reasons) VALUES (?, 'l', 'e', 1, 1, ?, ?, '[]')",
                [passage_id, PERIOD.from_ms, msgspec.json.encode(row).decode()],
            )

    hub.store._write(put)
    report = hub.store._write(draw_queries.audit, "2026-10")
    assert report is not None
    assert (report.redone, report.differ, report.undrawn) == (2, ("steered",), 1)
    assert report.classes[0].passages == 3
    assert hub.store._write(draw_queries.audit, "2027") is None


def test_a_damaged_row_of_the_cache_is_as_if_nothing_was_given(lane: LaneEnd) -> None:
    lane.cache.keep_policy("d", (b"{}",), ())
    assert lane.begins().held.digest == ""
    with closing(sqlite3.connect(lane.path)) as connection:
        assert connection.execute("SELECT count(*) FROM policy_packs").fetchone() == (1,)


def test_the_lane_loop_adopts_what_is_in_force_and_hands_the_core_its_draws(
    hub: Hub, lane: LaneEnd, tmp_path: Path
) -> None:
    hub.commits()
    hub.imports(a_pack("1"))
    hub.imports(a_pack("2", effective_from_ms=PERIOD.from_ms, draw_periods=(PERIOD,)))
    lane.sync.take(hub.says())
    clock = ManualClock(wall_ms=NOW_MS)
    store = LaneStore(tmp_path / "lane.db", LaneId("lane1"), ReleasePolicy())
    row = v1.DeclarationRow(
        declaration_id="D1",
        plates=("粤B12345",),
        card_uid="04A1B2C3",
        gross_kg=32_000,
        valid_from_ms=0,
        valid_until_ms=1 << 60,
    )
    row_digest = digest.row_digest(row)
    lane.cache.apply(
        version=1,
        replace_all=True,
        upserts=[row],
        deletes=[],
        count=1,
        expected_digest=digest.changed(digest.EMPTY, added=[row_digest]),
        at_ms=NOW_MS,
    )
    loop = LaneLoop(
        store,
        ManifestReader(lane.path, store.used_by),
        Inbox(),
        Deadlines(),
        clock,
        quiet_log(),
        acknowledged=lambda: 0,
        recorded=lambda: None,
        stop_lamps=lambda: None,
        confirmed_s=lambda: float("-inf"),
        policy=lambda: lane.sync.held,
    )
    loop.turn()
    assert loop.lane.pack.version == "1"
    clock.advance(3600.0)
    loop.turn()
    assert loop.lane.pack.version == "2"
    loop.find(FindDeclarations(token=1, plate="粤B12345", card_uid=None))
    answer = loop._next.popleft().event
    assert isinstance(answer, DeclarationsFound)
    assert answer.declarations[0].drawn == draw(SECRET, "2026-10", "D1")
    store.close()
