"""What each record means for the tables that people look at.

Records may come in any order, so a column group remembers which seq it came from and a later
record wins; the result is the same whichever way the records arrived.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import assert_never

import msgspec

from central.store import audit, claim_store, crossings, obligation_store
from central.store.plate_taken import plate_taken
from central.store.rows import VerdictMore
from gate_agent.domain.records import Alarm
from gate_agent.wire.dossier import DossierError, sha256, unpacked
from gate_agent.wire.v1 import (
    AlarmRaised,
    CommandCarriedOut,
    CommandRefused,
    FaultChanged,
    LaneStarted,
    PassageClosed,
    PassageDecided,
    PassageOpened,
    PassageOverridden,
    PassageSealed,
    PictureTaken,
    PolicyAdopted,
    RecordBody,
    WeighedAfterwards,
)

DECLARATION_USED_TWICE = Alarm.DECLARATION_USED_TWICE.value
SLIP_USED_TWICE = Alarm.SLIP_USED_TWICE.value
_json = msgspec.json.Encoder()


class Unusable(Exception):
    """A valid record that contradicts what is stored; the text says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    lane: str
    epoch: str
    seq: int
    at_ms: int
    received_ms: int


def project(
    db: sqlite3.Connection,
    body: RecordBody,
    *,
    lane: str,
    epoch: str,
    seq: int,
    at_ms: int,
    received_ms: int,
) -> None:
    """Carry one record, seen for the first time, into the tables. Raises `Unusable`."""
    origin = _Origin(lane=lane, epoch=epoch, seq=seq, at_ms=at_ms, received_ms=received_ms)
    match body:
        case LaneStarted() | PolicyAdopted():
            pass  # the record itself is all there is to know
        case FaultChanged():
            _fault(db, body, origin)
        case AlarmRaised():
            _alarm(db, origin, code=body.code, passage_id=body.passage_id)
        case CommandCarriedOut():
            _answer(db, body.command_id, origin, state="done")
            if body.local:
                said = "".join(f"{each}: " for each in (body.mode, body.emergency) if each)
                _audit_local(db, origin, f"command_{body.command}", body.by, said + body.reason)
        case CommandRefused():
            _answer(db, body.command_id, origin, state="refused", why=body.why)
        case _:
            _touch_passage(db, body.passage_id, origin)
            _project_passage(db, body, origin)


def _project_passage(  # noqa: C901 - one case a record
    db: sqlite3.Connection,
    body: PassageOpened
    | PictureTaken
    | PassageDecided
    | WeighedAfterwards
    | PassageOverridden
    | PassageClosed
    | PassageSealed,
    origin: _Origin,
) -> None:
    match body:
        case PassageOpened():
            db.execute(
                "UPDATE passages SET opened_at_ms = ? WHERE passage_id = ?",
                [origin.at_ms, body.passage_id],
            )
        case PictureTaken():
            _picture(db, body, origin)
        case PassageDecided():
            _decided(db, body, origin)
        case WeighedAfterwards():
            if body.within_kg == 0:
                db.execute(
                    "UPDATE passages SET gross_kg = ? WHERE passage_id = ?",
                    [body.gross_kg, body.passage_id],
                )
        case PassageOverridden():
            _overridden(db, body, origin)
        case PassageClosed():
            _closed(db, body, origin)
        case PassageSealed():
            _sealed(body)
        case _:
            assert_never(body)


def _touch_passage(db: sqlite3.Connection, passage_id: str, origin: _Origin) -> None:
    (lane,) = db.execute(
        "INSERT INTO passages (passage_id, lane, epoch, first_at_ms, first_received_ms)"
        " VALUES (?,?,?,?,?) ON CONFLICT (passage_id) DO UPDATE SET"
        " first_at_ms = min(first_at_ms, excluded.first_at_ms),"
        " first_received_ms = min(first_received_ms, excluded.first_received_ms)"
        " RETURNING lane",
        [passage_id, origin.lane, origin.epoch, origin.at_ms, origin.received_ms],
    ).fetchone()
    if lane != origin.lane:
        raise Unusable(f"passage {passage_id} is one of lane {lane}, not of {origin.lane}")


def _picture(db: sqlite3.Connection, body: PictureTaken, origin: _Origin) -> None:
    if body.jpeg is not None and hashlib.sha256(body.jpeg).hexdigest() != body.picture_id:
        raise Unusable(f"picture {body.picture_id} is not the SHA-256 of its {len(body.jpeg)} B")
    db.execute(
        # The same bytes again, from a camera that froze, are as young as the last of them.
        "INSERT INTO pictures (picture_id, received_ms, jpeg, lost) VALUES (?,?,?,?)"
        " ON CONFLICT (picture_id) DO UPDATE SET jpeg = coalesce(jpeg, excluded.jpeg),"
        " lost = min(lost, excluded.lost), received_ms = max(received_ms, excluded.received_ms)",
        [body.picture_id, origin.received_ms, body.jpeg, body.jpeg is None],
    )
    db.execute(
        "INSERT OR IGNORE INTO passage_pictures (passage_id, picture_id, view, at_ms)"
        " VALUES (?,?,?,?)",
        [body.passage_id, body.picture_id, body.view, origin.at_ms],
    )
    if body.jpeg is None:
        _note_lost(db, body, origin)


def _note_lost(db: sqlite3.Connection, body: PictureTaken, origin: _Origin) -> None:
    """The lane has the picture no more: one alarm of a lane until somebody has seen it."""
    (is_here,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM pictures WHERE picture_id = ? AND jpeg IS NOT NULL)"
        " OR EXISTS (SELECT 1 FROM alarms WHERE lane = ? AND code = ? AND acknowledged_by IS NULL)",
        [body.picture_id, origin.lane, Alarm.PICTURE_LOST.value],
    ).fetchone()
    if not is_here:
        raise_by_hub(
            db,
            lane=origin.lane,
            at_ms=origin.received_ms,
            code=Alarm.PICTURE_LOST.value,
            passage_id=body.passage_id,
            detail=f"{body.view} {body.picture_id}: the file was gone when its record was sent",
        )


def _decided(db: sqlite3.Connection, body: PassageDecided, origin: _Origin) -> None:
    evidence, declaration = body.evidence, body.declaration
    db.execute(
        "UPDATE passages SET decided_seq = ?1, decided_at_ms = ?2, decided_received_ms = ?3,"
        " verdict = ?4, reasons = ?5, evidence = ?6, plate = ?7, card_uid = ?8, gross_kg = ?9,"
        " declaration_id = ?10, declaration = ?11, manifest_version = ?12, policy_version = ?13,"
        " policy_hash = ?15, verdict_more = ?16"
        " WHERE passage_id = ?14 AND (decided_seq IS NULL OR decided_seq < ?1)",
        [
            origin.seq,
            origin.at_ms,
            origin.received_ms,
            body.outcome,
            _json.encode(body.reasons).decode(),
            _json.encode(evidence).decode(),
            plate_taken(evidence, declaration, body.reasons),
            evidence.card.uid if evidence.card else None,
            evidence.weight.gross_kg if evidence.weight else None,
            declaration.declaration_id if declaration else None,
            _json.encode(declaration).decode() if declaration else None,
            body.manifest_version,
            body.policy_version,
            body.passage_id,
            body.policy_hash,
            _json.encode(
                VerdictMore(place=body.place, notify=body.notify, obligations=body.obligations)
            ).decode(),
        ],
    )
    newest = db.execute(
        "SELECT decided_seq FROM passages WHERE passage_id = ?", [body.passage_id]
    ).fetchone()
    if newest == (origin.seq,):
        obligation_store.owe(db, body.passage_id, body.obligations)
    if body.outcome == "release" and declaration:
        _use(db, declaration.declaration_id, body.passage_id, origin)
    _use_if_released_by_a_person(db, body.passage_id, origin)
    claim_store.free_what_is_over(db, body.passage_id)
    crossings.note(db, body.passage_id)


def _overridden(db: sqlite3.Connection, body: PassageOverridden, origin: _Origin) -> None:
    db.execute(
        "UPDATE passages SET overridden_seq = ?1, overridden_at_ms = ?2, override_decision = ?3,"
        " override_by = ?4, override_reason = ?5, override_command_id = ?6,"
        " override_slip = nullif(?8, ''), override_emergency = nullif(?9, '')"
        " WHERE passage_id = ?7 AND (overridden_seq IS NULL OR overridden_seq < ?1)",
        [
            origin.seq,
            origin.at_ms,
            body.decision,
            body.by,
            body.reason,
            body.command_id,
            body.passage_id,
            body.slip,
            body.emergency,
        ],
    )
    _answer(db, body.command_id, origin, state="done")
    if body.slip:
        _use_slip(db, body, origin)
    if body.local:
        said = f"{body.decision}: {body.slip}: " if body.slip else f"{body.decision}: "
        _audit_local(db, origin, "command_override", body.by, said + body.reason, body.passage_id)
    _use_if_released_by_a_person(db, body.passage_id, origin)
    claim_store.free_what_is_over(db, body.passage_id)


def _use_slip(db: sqlite3.Connection, body: PassageOverridden, origin: _Origin) -> None:
    """A slip is for one vehicle: what lanes that were cut off did with it is found here."""
    db.execute(
        "INSERT INTO slips (slip, passage_id, command_id, at_ms) VALUES (?,?,?,?)"
        " ON CONFLICT (slip) DO NOTHING",
        [body.slip, body.passage_id, body.command_id, origin.at_ms],
    )
    (first,) = db.execute("SELECT passage_id FROM slips WHERE slip = ?", [body.slip]).fetchone()
    if first != body.passage_id:
        _raise_once(
            db, origin, SLIP_USED_TWICE, body.passage_id, f"slip {body.slip} of passage {first}"
        )


def _raise_once(
    db: sqlite3.Connection, origin: _Origin, code: str, passage_id: str, detail: str
) -> None:
    """An alarm of the hub's own about a passage, the first time that it is found."""
    known = db.execute(
        "SELECT 1 FROM alarms WHERE code = ? AND passage_id = ?", [code, passage_id]
    ).fetchone()
    if known is None:
        raise_by_hub(
            db,
            lane=origin.lane,
            at_ms=origin.at_ms,
            code=code,
            passage_id=passage_id,
            detail=detail,
        )


def _audit_local(
    db: sqlite3.Connection,
    origin: _Origin,
    action: str,
    who: str,
    detail: str,
    passage_id: str | None = None,
) -> None:
    """What a person ordered at the lane itself, as an order of the console would stand here."""
    audit.record(
        db,
        at_ms=origin.at_ms,
        who=who,
        action=action,
        lane=origin.lane,
        passage_id=passage_id,
        detail=detail,
    )


def _closed(db: sqlite3.Connection, body: PassageClosed, origin: _Origin) -> None:
    updated = db.execute(
        "UPDATE passages SET closed_at_ms = ?, outcome = ?, decided_by = ?, left_by = ?,"
        " arrived_at_ms = ?, timeline = ? WHERE passage_id = ? AND closed_at_ms IS NULL",
        [
            origin.at_ms,
            body.outcome,
            body.decided_by,
            body.left,
            body.arrived_at_ms,
            _json.encode(body.timeline).decode(),
            body.passage_id,
        ],
    ).rowcount
    if not updated:
        raise Unusable(f"passage {body.passage_id} was closed before")
    claim_store.free_what_is_over(db, body.passage_id)
    crossings.note(db, body.passage_id)


def _sealed(body: PassageSealed) -> None:
    """A dossier stays in its record; here it is only compared with its name."""
    try:
        found = sha256(unpacked(body.dossier))
    except DossierError as exc:
        raise Unusable(f"passage {body.passage_id}: {exc}") from exc
    if found != body.sha256:
        raise Unusable(f"the dossier of {body.passage_id} is {found}, not {body.sha256}")


def _use_if_released_by_a_person(db: sqlite3.Connection, passage_id: str, origin: _Origin) -> None:
    row = db.execute(
        "SELECT declaration_id FROM passages WHERE passage_id = ?"
        " AND override_decision = 'release' AND declaration_id IS NOT NULL",
        [passage_id],
    ).fetchone()
    if row is not None:
        _use(db, row[0], passage_id, origin)


def _use(db: sqlite3.Connection, declaration_id: str, passage_id: str, origin: _Origin) -> None:
    """A release uses a declaration up; a second passage on the same one is an alarm."""
    db.execute(
        "INSERT INTO declaration_uses (declaration_id, passage_id, lane, at_ms) VALUES (?,?,?,?)"
        " ON CONFLICT (declaration_id) DO NOTHING",
        [declaration_id, passage_id, origin.lane, origin.at_ms],
    )
    (first,) = db.execute(
        "SELECT passage_id FROM declaration_uses WHERE declaration_id = ?", [declaration_id]
    ).fetchone()
    if first != passage_id:
        detail = f"declaration {declaration_id} was used up by passage {first}"
        _raise_once(db, origin, DECLARATION_USED_TWICE, passage_id, detail)


def raise_by_hub(
    db: sqlite3.Connection,
    *,
    lane: str,
    at_ms: int,
    code: str,
    passage_id: str | None = None,
    detail: str = "",
) -> None:
    """An alarm that the hub raises itself, about a lane."""
    hub_made = _Origin(lane=lane, epoch="", seq=0, at_ms=at_ms, received_ms=at_ms)
    _alarm(db, hub_made, code=code, passage_id=passage_id, detail=detail)


def raise_once_by_hub(
    db: sqlite3.Connection, *, lane: str, at_ms: int, code: str, detail: str
) -> None:
    """The same, unless the hub has raised it of this lane with these words before."""
    known = db.execute(
        "SELECT 1 FROM alarms WHERE lane = ? AND code = ? AND detail = ? AND epoch IS NULL",
        [lane, code, detail],
    ).fetchone()
    if known is None:
        raise_by_hub(db, lane=lane, at_ms=at_ms, code=code, detail=detail)


def _alarm(
    db: sqlite3.Connection,
    origin: _Origin,
    *,
    code: str,
    passage_id: str | None,
    detail: str = "",
) -> None:
    db.execute(
        "INSERT INTO alarms (lane, epoch, seq, code, passage_id, at_ms, detail)"
        " VALUES (?, nullif(?, ''), nullif(?, 0), ?, ?, ?, ?)",
        [origin.lane, origin.epoch, origin.seq, code, passage_id, origin.at_ms, detail],
    )


def _fault(db: sqlite3.Connection, body: FaultChanged, origin: _Origin) -> None:
    db.execute(
        "INSERT INTO faults (lane, epoch, code, seq, raised, at_ms, detail) VALUES (?,?,?,?,?,?,?)"
        " ON CONFLICT (lane, epoch, code) DO UPDATE SET seq = excluded.seq,"
        " raised = excluded.raised, at_ms = excluded.at_ms, detail = excluded.detail"
        " WHERE excluded.seq > seq",
        [
            origin.lane,
            origin.epoch,
            body.code,
            origin.seq,
            body.raised,
            origin.at_ms,
            body.detail,
        ],
    )


def _answer(
    db: sqlite3.Connection, command_id: str, origin: _Origin, *, state: str, why: str = ""
) -> None:
    """The lane's answer to an order. One that came after our own expiry is still the truth."""
    db.execute(
        "UPDATE commands SET state = ?, why = ?, resolved_at_ms = ?"
        " WHERE command_id = ? AND lane = ? AND state IN ('pending', 'expired')",
        [state, why, origin.at_ms, command_id, origin.lane],
    )
