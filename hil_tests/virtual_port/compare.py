"""The end of a run: what the lanes committed, beside what the hub has."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from central.store import account_store, chain_store
from gate_agent.proof.draws import redo
from gate_agent.proof.files import Found
from gate_agent.proof.replay import again
from gate_agent.store.fold import fold
from gate_agent.wire import dossier, v1
from gate_agent.wire.chain import Walk, findings
from hil_tests.virtual_port.account import passage_of
from hil_tests.virtual_port.judge import Violation

if TYPE_CHECKING:
    from pathlib import Path

    from hil_tests.virtual_port.port import Lane, VirtualPort

FOLDED = 3  # lanes whose whole journal is folded once more, and whose draws are made again


def compare(port: VirtualPort) -> None:
    """Every record once, every opening on record, no order twice. Raises `Violation`."""
    with closing(_reader(port.hub.database)) as hub:
        forgotten = _audited_losses(hub)
        if forgotten and not port.account.is_hub_put_back:
            raise Violation("records lost", f"the hub owns up to {forgotten}")
        for lane in port.lanes.values():
            _records(hub, lane, forgotten)
            if not forgotten:
                _chain(hub, lane)
            port.account.counts["dossiers replayed"] += _dossiers(hub, lane)
            _passages(hub, lane)
            if not forgotten:
                _openings(hub, lane)
        for lane in list(port.lanes.values())[:FOLDED]:
            port.account.counts["draws redone"] += _draws(hub, lane)
        _no_garbage(hub)
        _uses_reported(hub, port)
        _lists(hub, port)
    _orders(port)
    for lane in list(port.lanes.values())[:FOLDED]:
        _folds(lane)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _audited_losses(hub: sqlite3.Connection) -> dict[str, int]:
    """Records that the hub says it lost, after it was put back to a backup: by lane."""
    rows = hub.execute("SELECT lane, detail FROM audit WHERE action = 'records_lost'")
    lost: Counter[str] = Counter()
    for lane, detail in rows:
        lost[lane] += int(detail.split(" ", 1)[0])
    return dict(lost)


def _records(hub: sqlite3.Connection, lane: Lane, forgotten: dict[str, int]) -> None:
    rows = hub.execute(
        "SELECT epoch, seq, body FROM records WHERE lane = ? ORDER BY epoch, seq", [lane.name]
    )
    stored = {(epoch, seq): hashlib.sha256(bytes(body)).digest() for epoch, seq, body in rows}
    made = lane.account.bodies
    missing = [key for key in made if key not in stored]
    if len(missing) != forgotten.get(lane.name, 0):
        detail = f"{lane.name}: {len(missing)} missing, e.g. {missing[:3]}"
        raise Violation("records lost", f"{detail}; the hub owns up to {forgotten}")
    if extra := [key for key in stored if key not in made]:
        raise Violation("records that no lane made", f"{lane.name}: {extra[:3]}")
    if other := [key for key in stored if stored[key] != made[key]]:
        raise Violation("records that differ", f"{lane.name}: {other[:3]}")


def _chain(hub: sqlite3.Connection, lane: Lane) -> None:
    """Each record follows from the one before it, as the lane wrote it."""
    for epoch in {epoch for epoch, _ in lane.account.bodies}:
        for found in findings(chain_store.span(hub, lane=lane.name, epoch=epoch), Walk()):
            raise Violation("the chain does not hold", str(found))


def _dossiers(hub: sqlite3.Connection, lane: Lane) -> int:
    """Each passage that ended is sealed once, and its verdicts are made again bit for bit."""
    dossiers = _sealed(hub, lane)
    sealed = Counter(found.place for found in dossiers)
    closed = hub.execute(
        "SELECT passage_id FROM records WHERE lane = ? AND type = 'passage_closed'", [lane.name]
    )
    if unsealed := [name for (name,) in closed if sealed[name] != 1]:
        raise Violation("passages not sealed once", f"{lane.name}: {unsealed[:3]}")
    for found in dossiers:
        if other := [made for made in again(found) if not made.is_identical]:
            raise Violation("a dossier that replays otherwise", f"{lane.name}: {other[0]}")
    return len(dossiers)


def _sealed(hub: sqlite3.Connection, lane: Lane) -> list[Found]:
    """The dossiers of a lane; each has its passage as its place."""
    rows = hub.execute(
        "SELECT passage_id, body FROM records WHERE lane = ? AND type = 'passage_sealed'",
        [lane.name],
    )
    found = []
    for passage_id, body in rows:
        record = v1.decode_body(bytes(body))
        assert isinstance(record, v1.PassageSealed)
        content = dossier.unpacked(record.dossier)
        found.append(Found(place=passage_id, content=content, sha256=record.sha256))
    return found


def _draws(hub: sqlite3.Connection, lane: Lane) -> int:
    """With the secrets in hand every draw of the dossiers comes out as it did."""
    count = 0
    for period, secret in hub.execute("SELECT period, secret FROM draw_periods").fetchall():
        done = redo(_sealed(hub, lane), period, bytes(secret))
        if done.differ or done.elsewhere:
            raise Violation("a draw that comes out otherwise", f"{lane.name}: {done}")
        count += done.redone
    return count


def _passages(hub: sqlite3.Connection, lane: Lane) -> None:
    history = lane.account.history
    if left := history.opened - history.closed:
        raise Violation("passages that never ended", f"{lane.name}: {sorted(left)[:3]}")
    open_at_hub = hub.execute(
        "SELECT count(*) FROM passages WHERE lane = ? AND closed_at_ms IS NULL"
        " AND opened_at_ms IS NOT NULL",
        [lane.name],
    ).fetchone()[0]
    if open_at_hub and not _audited_losses(hub):
        raise Violation("passages open at the hub only", f"{lane.name}: {open_at_hub}")


def _openings(hub: sqlite3.Connection, lane: Lane) -> None:
    rows = hub.execute(
        "SELECT passage_id, body FROM records WHERE lane = ?"
        " AND type IN ('passage_decided', 'passage_overridden')",
        [lane.name],
    )
    released = {passage_id for passage_id, body in rows if _is_release(body)}
    for command_id in lane.account.pulses:
        if passage_of(command_id) not in released:
            raise Violation("an opening without a record", f"{lane.name}: {command_id}")


def _is_release(body: bytes) -> bool:
    match v1.decode_body(bytes(body)):
        case v1.PassageDecided(outcome="release") | v1.PassageOverridden(decision="release"):
            return True
        case _:
            return False


def _no_garbage(hub: sqlite3.Connection) -> None:
    row = hub.execute("SELECT reason FROM dead_letters LIMIT 1").fetchone()
    if row is not None:
        raise Violation("dead letters", row[0])


def _uses_reported(hub: sqlite3.Connection, port: VirtualPort) -> None:
    """What two lanes used up is found when they meet the hub again."""
    if port.account.is_hub_put_back:
        return
    reported = hub.execute(
        "SELECT count(*) FROM alarms WHERE code = 'declaration_used_twice'"
    ).fetchone()[0]
    twice = sum(len(uses) - 1 for uses in port.account.uses.values())
    if twice > reported:
        raise Violation("used twice and not reported", f"{twice} found here, {reported} there")


def _lists(hub: sqlite3.Connection, port: VirtualPort) -> None:
    """What is left of each list is what was granted less what was drawn, each use once."""
    account = port.account
    if account.is_hub_put_back:
        return
    taken: Counter[str] = Counter()
    for account_id, quantity in hub.execute("SELECT account_id, quantity FROM account_draws"):
        taken[account_id] += quantity
    for account_id, draws in account.draws.items():
        drawn = sum(each.quantity for each in draws)
        if taken.pop(account_id, 0) != drawn:
            raise Violation("a list that does not add up", f"{account_id}: {drawn} drawn")
        left = account.registry.granted(account_id) - drawn
        if account_store.left(hub, account_id) != left:
            raise Violation("a list that does not add up", f"{account_id}: {left} left")
    if taken:
        raise Violation("a list drawn on by nobody", str(dict(taken)))


def _orders(port: VirtualPort) -> None:
    for command_id, times in port.account.commands.items():
        if times > 1:
            raise Violation("an order carried out twice", f"{command_id}: {times} times")


def _folds(lane: Lane) -> None:
    agent = lane.place.agent
    if agent is not None and not agent.folds(fold):
        raise Violation("I7: the journal does not fold to the snapshot", lane.name)
