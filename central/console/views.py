"""The pages that show: lanes, held vehicles, passages, the log."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from central.auth.roles import Role
from central.console import fragments as live
from central.console.rendering import Visit, page
from central.console.waterfall import waterfall
from central.proof.download import clip_file, dossier_file
from central.proof.export import ExportError, content_of
from central.store import chain_store, clip_store, hub_store, scope
from central.store.rows import ClipState, PassageDetail, PassageFilter, StoredRecord
from gate_agent.domain.matching import normalize_plate
from gate_agent.wire.v1 import OutcomeName, PassageSealed, decode_body

PAGE_LENGTH: Final = 50
_OUTCOMES: Final = ("release", "hold", "inspect", "refuse")
_LAST_MS: Final = 1 << 53


async def lanes(visit: Visit) -> Response:
    """Every lane, live."""
    found = await live.lanes(visit, "") | await live.navigation(visit)
    return page(
        visit,
        "lanes.html",
        section="lanes",
        title=visit.wording.label("title.lanes"),
        fragments=found,
        live="lanes",
    )


async def lane(visit: Visit) -> Response:
    """One lane, live, with what can be ordered."""
    return await lane_page(visit, visit.request.path_params["lane"])


async def lane_page(
    visit: Visit, lane_id: str, *, error: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """One lane, with what went wrong with an order."""
    try:
        found = await live.lane(visit, lane_id) | await live.navigation(visit)
    except live.NotShown:
        return await trouble(
            visit, HTTPStatus.NOT_FOUND, visit.wording.label("error.no_lane", lane=lane_id)
        )
    return page(
        visit,
        "lane.html",
        section="lanes",
        title=f"{visit.wording.label('lane.lane')} {lane_id}",
        fragments=found,
        live="lane",
        subject=lane_id,
        status=status,
        lane_id=lane_id,
        error=error,
        kinds=await visit.services.commands.emergency_kinds(),
    )


async def held(visit: Visit) -> Response:
    """The vehicles that wait for a person, live."""
    found = await live.held(visit, "") | await live.navigation(visit)
    return page(
        visit,
        "held.html",
        section="held",
        title=visit.wording.label("title.held"),
        fragments=found,
        live="held",
    )


async def held_vehicle(visit: Visit) -> Response:
    """One held vehicle, live, with the decision."""
    return await held_page(visit, visit.request.path_params["passage_id"])


async def held_page(
    visit: Visit, passage_id: str, *, error: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """One held vehicle, with what went wrong with a decision."""
    try:
        found = await live.vehicle(visit, passage_id) | await live.navigation(visit)
    except live.NotShown:
        return await _no_passage(visit, passage_id)
    return page(
        visit,
        "held_vehicle.html",
        section="held",
        title=visit.wording.label("title.held"),
        fragments=found,
        live="vehicle",
        subject=passage_id,
        status=status,
        error=error,
    )


async def passages(visit: Visit) -> Response:
    """Passages newest first, filtered."""
    query = visit.request.query_params
    outcome = query.get("outcome", "")
    before = query.get("before_ms", "")
    plate = normalize_plate(query.get("plate", ""))
    wanted = PassageFilter(
        lane=query.get("lane") or None,
        standing=cast("OutcomeName", outcome) if outcome in _OUTCOMES else None,
        open_only=query.get("open") == "1",
        before_ms=int(before) if before.isascii() and before.isdigit() else None,
        plate=plate or None,
        limit=PAGE_LENGTH + 1,
        scope=visit.identity.scope,
    )
    found = await visit.services.store.read(hub_store.passages, wanted)
    shown = found[:PAGE_LENGTH]
    older_url = ""
    if len(found) > PAGE_LENGTH:
        kept = {name: value for name, value in query.items() if name != "before_ms"}
        older_url = f"/passages?{urlencode(kept | {'before_ms': str(shown[-1].first_at_ms)})}"
    return page(
        visit,
        "passages.html",
        section="passages",
        title=visit.wording.label("title.passages"),
        fragments=await live.navigation(visit),
        passages=shown,
        filter=wanted,
        lane_ids=_lanes_seen(visit),
        older_url=older_url,
    )


def _lanes_seen(visit: Visit) -> list[str]:
    limits = visit.identity.scope
    known = [presence.lane for presence in visit.services.lanes.all()]
    return [lane for lane in known if limits is None or not limits.lanes or lane in limits.lanes]


async def passage(visit: Visit) -> Response:
    """One passage with its whole record."""
    return await passage_page(visit, visit.request.path_params["passage_id"])


async def passage_page(
    visit: Visit, passage_id: str, *, error: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """One passage, with what went wrong with a word about its pictures."""
    detail = await visit.services.store.read(hub_store.passage, passage_id)
    seen = await visit.services.store.read(scope.within, visit.identity.scope, [passage_id])
    if detail is None or not seen:
        return await _no_passage(visit, passage_id)
    is_pending = detail.clip is not None and detail.clip.state is ClipState.PENDING
    return page(
        visit,
        "passage.html",
        section="passages",
        title=f"{visit.wording.label('title.passage')} {detail.summary.plate or passage_id}",
        fragments=await live.navigation(visit) | {"clip": _clip(visit, detail)},
        live="clip" if is_pending and visit.identity.scope is None else None,
        subject=passage_id,
        status=status,
        values=await _passage_values(visit, detail, error),
    )


async def _passage_values(visit: Visit, detail: PassageDetail, error: str) -> dict[str, object]:
    evidence = await live.evidence(visit, detail)
    doubts = ""
    if detail.summary.reasons:
        doubts = live.doubts(visit, detail)
    return {
        "passage": detail.summary,
        "standing": live.decision_standing(detail)[0],
        "arrived_at_ms": detail.arrived_at_ms,
        "policy_version": detail.policy_version,
        "policy_hash": detail.policy_hash,
        "evidence_html": live.safe(evidence),
        "doubts_html": live.safe(doubts),
        "keeping_html": live.safe(live.keeping(visit, detail, error)),
        "bars": waterfall(detail.timeline) if detail.timeline else (),
        "orders": detail.commands,
        "alarms": detail.alarms,
        "audit": detail.audit,
        "now_ms": visit.services.clock.wall_ms(),
        "dossier": _seal(detail),
        "proves_exit": _proves_exit(detail),
        "records": [_shown(record) for record in detail.records],
    }


def _clip(visit: Visit, detail: PassageDetail) -> str:
    return live.clip(visit, detail.summary.passage_id, detail.clip) if detail.clip else ""


def _seal(detail: PassageDetail) -> PassageSealed | None:
    """The record that sealed the passage; None while it lasts, or from an older lane."""
    for record in detail.records:
        if record.type == "passage_sealed":
            found = decode_body(record.body)
            return found if isinstance(found, PassageSealed) else None
    return None


def _proves_exit(detail: PassageDetail) -> bool:
    """Whether goods left for abroad on this passage, as far as its declaration says."""
    paper, summary = detail.declaration, detail.summary
    is_export = paper is not None and (paper.tax_refund or paper.direction == "out")
    has_left = (summary.outcome, summary.left) == ("release", "exit")
    return is_export and has_left and _seal(detail) is not None


async def dossier(visit: Visit) -> Response:
    """The dossier of a passage as a file: the bytes that its SHA-256 is of."""
    passage_id = visit.request.path_params["passage_id"]
    body = await visit.services.store.read(chain_store.sealed, passage_id)
    if body is None:
        return await _no_passage(visit, passage_id)
    try:
        content = content_of(passage_id, body)
    except ExportError as exc:
        return await trouble(visit, HTTPStatus.INTERNAL_SERVER_ERROR, str(exc))
    return dossier_file(passage_id, content)


async def clip(visit: Visit) -> Response:
    """The clip of a passage as a file, once it is here."""
    passage_id = visit.request.path_params["passage_id"]
    row = await visit.services.store.read(clip_store.clip_of, passage_id)
    if row is not None:
        content = await visit.services.store.read(clip_store.content, row.clip_id)
        if content is not None:
            return clip_file(row.clip_id, content)
        if row.deleted is not None:
            return await trouble(visit, HTTPStatus.GONE, visit.wording.deleted(row.deleted))
    return await trouble(visit, HTTPStatus.NOT_FOUND, visit.wording.label("stale.no_clip"))


def _shown(record: StoredRecord) -> dict[str, object]:
    if record.type == "passage_sealed":
        sealed = msgspec.json.decode(record.body) | {"dossier": "…"}  # there as a file
        record = replace(record, body=msgspec.json.encode(sealed))
    return {
        "seq": record.seq,
        "at_ms": record.at_ms,
        "received_ms": record.received_ms,
        "type": record.type,
        "text": msgspec.json.format(record.body, indent=2).decode("utf-8", "backslashreplace"),
    }


async def log(visit: Visit) -> Response:
    """Who did what, alarms, and what could not be used."""
    store = visit.services.store
    sign_ins = []
    if visit.identity.may(Role.ADMINISTRATOR):
        sign_ins = await visit.services.access.sign_ins(100)
    return page(
        visit,
        "log.html",
        section="log",
        title=visit.wording.label("title.log"),
        fragments=await live.navigation(visit),
        live="none",
        audit=await store.read(hub_store.audit, limit=200),
        alarms=await store.read(hub_store.alarms, limit=100),
        dead=await store.read(hub_store.dead_letters, limit=50),
        sign_ins=sign_ins,
    )


async def trouble(visit: Visit, status: HTTPStatus, message: str) -> Response:
    """A page that says what did not work."""
    return page(
        visit,
        "error.html",
        section="",
        title=visit.wording.label("title.error"),
        fragments=await live.navigation(visit),
        status=status,
        message=message,
    )


async def _no_passage(visit: Visit, passage_id: str) -> Response:
    message = visit.wording.label("error.no_passage", passage=passage_id)
    return await trouble(visit, HTTPStatus.NOT_FOUND, message)
