"""What each endpoint of API v1 does. Reading is one query; changing goes through the services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Literal, cast

import msgspec
from starlette.responses import Response

from central.api.answers import (
    EvacuationRequest,
    HealthAnswer,
    KeepRequest,
    LowerBarrierRequest,
    ModeRequest,
    OverrideRequest,
    PassageAnswer,
    RecordAnswer,
    SummaryAnswer,
)
from central.api.endpoints import ApiError, Call
from central.api.lane_answers import lane_answer, lane_counts, lane_pairs
from central.errors import CommandStale, ManifestError, StaleReason
from central.hub.commands import ModeName
from central.manifest.report import ImportReport
from central.proof.download import clip_file, dossier_file
from central.proof.export import content_of
from central.store import (
    audit,
    chain_store,
    clip_store,
    conflict_queries,
    hub_store,
    manifest_queries,
    retention_store,
    scope,
)
from central.store.keeping import KeepError
from central.store.queue import ranked
from central.store.rows import CommandRow, Deletion, Keeping, PassageFilter
from gate_agent.domain.matching import normalize_card, normalize_plate
from gate_agent.wire.v1 import DecisionName, OutcomeName

MAX_IMPORT_BYTES: Final = 64 * 1024 * 1024
MAX_REASON: Final = 500
_OUTCOMES: Final = ("release", "hold", "inspect", "refuse")
_DECISIONS: Final = ("release", "inspect", "refuse")
_MODES: Final = ("auto", "attended", "emergency", "closed")
_LAST_MS: Final = 1 << 53


async def lanes(call: Call) -> object:
    """Every lane as it is now."""
    return [lane_answer(*pair) for pair in await lane_pairs(call.services)]


async def passages(call: Call) -> object:
    """Passages, newest first."""
    plate = call.text("plate")
    wanted = PassageFilter(
        lane=call.text("lane"),
        standing=cast("OutcomeName | None", call.choice("outcome", _OUTCOMES)),
        open_only=call.choice("open", ("0", "1", "true", "false")) in {"1", "true"},
        since_ms=call.number("since_ms", lowest=0, highest=_LAST_MS),
        before_ms=call.number("before_ms", lowest=0, highest=_LAST_MS),
        plate=normalize_plate(plate) if plate else None,
        limit=call.number("limit", lowest=1, highest=10_000) or 100,
        scope=call.identity.scope,
    )
    return await call.services.store.read(hub_store.passages, wanted)


async def passage(call: Call) -> object:
    """One passage with its whole record."""
    passage_id = call.request.path_params["passage_id"]
    found = await call.services.store.read(hub_store.passage, passage_id)
    seen = await call.services.store.read(scope.within, call.identity.scope, [passage_id])
    if found is None or not seen:
        raise ApiError(HTTPStatus.NOT_FOUND, f"passage {passage_id}: not known here")
    return PassageAnswer(
        summary=found.summary,
        evidence=found.evidence,
        declaration=found.declaration,
        manifest_version=found.manifest_version,
        policy_version=found.policy_version,
        policy_hash=found.policy_hash,
        more=found.more,
        override_reason=found.override_reason,
        overridden_at_ms=found.overridden_at_ms,
        arrived_at_ms=found.arrived_at_ms,
        timeline=found.timeline,
        pictures=found.pictures,
        clip=found.clip,
        keeping=found.keeping,
        records=tuple(
            RecordAnswer(
                seq=record.seq,
                at_ms=record.at_ms,
                received_ms=record.received_ms,
                type=record.type,
                body=msgspec.Raw(record.body),
            )
            for record in found.records
        ),
        commands=found.commands,
        alarms=found.alarms,
        audit=found.audit,
    )


async def dossier(call: Call) -> object:
    """The dossier of a closed passage: its canonical bytes, the same for ever."""
    passage_id = call.request.path_params["passage_id"]
    body = await call.services.store.read(chain_store.sealed, passage_id)
    if body is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"passage {passage_id}: no dossier here")
    return dossier_file(passage_id, content_of(passage_id, body))


async def held(call: Call) -> object:
    """Vehicles that wait for a person, by risk times waiting time."""
    waiting = await call.services.store.read(hub_store.held)
    ids = [each.passage.passage_id for each in waiting]
    seen = await call.services.store.read(scope.within, call.identity.scope, ids)
    mine = [each for each in waiting if each.passage.passage_id in seen]
    return ranked(mine, call.services.clock.wall_ms())


async def picture(call: Call) -> object:
    """One JPEG. Its id is its SHA-256, so it never changes."""
    picture_id = call.request.path_params["picture_id"]
    jpeg = await call.services.store.read(hub_store.picture, picture_id)
    seen = await call.services.store.read(scope.shows, call.identity.scope, picture_id)
    if not seen:
        raise ApiError(HTTPStatus.NOT_FOUND, f"picture {picture_id}: not here")
    if jpeg is None:
        gone = await call.services.store.read(retention_store.last_deletion, picture_id)
        raise _not_here(f"picture {picture_id}", gone)
    return Response(
        jpeg,
        media_type="image/jpeg",
        headers={"Cache-Control": "private, max-age=3600, immutable"},
    )


async def clip(call: Call) -> object:
    """One clip that was fetched. Its id is its SHA-256, so it never changes."""
    clip_id = call.request.path_params["clip_id"]
    content = await call.services.store.read(clip_store.content, clip_id)
    if content is None:
        row = await call.services.store.read(clip_store.clip, clip_id)
        raise _not_here(f"clip {clip_id}", row.deleted if row else None)
    return clip_file(clip_id, content)


def _not_here(what: str, gone: Deletion | None) -> ApiError:
    """Why there are no bytes: 410 for what a rule deleted."""
    if gone is None:
        return ApiError(HTTPStatus.NOT_FOUND, f"{what}: not here")
    at = datetime.fromtimestamp(gone.at_ms / 1000, tz=UTC).isoformat()
    return ApiError(
        HTTPStatus.GONE, f"{what}: deleted at {at} by rule {gone.rule.value}, {gone.days} days"
    )


async def keep(call: Call) -> object:
    """Somebody says that no rule deletes the pictures and the clip of a passage, and why."""
    reason = _reason((await call.parsed(KeepRequest)).reason)
    passage_id = call.request.path_params["passage_id"]
    return await _kept(
        call.services.retention.keep(passage_id, by=call.identity.name, reason=reason)
    )


async def end_keep(call: Call) -> object:
    """Somebody lets the rules have them again, and says why."""
    reason = _reason((await call.parsed(KeepRequest)).reason)
    passage_id = call.request.path_params["passage_id"]
    return await _kept(
        call.services.retention.end_keep(passage_id, by=call.identity.name, reason=reason)
    )


async def _kept(word: Awaitable[Keeping]) -> Keeping:
    try:
        return await word
    except KeepError as exc:
        status = HTTPStatus.CONFLICT if exc.is_known else HTTPStatus.NOT_FOUND
        raise ApiError(status, str(exc)) from exc


async def fetch_clip(call: Call) -> object:
    """Ask the lane for the clip of a passage; the answer is how it stands."""
    try:
        return await call.services.clips.ask(
            call.request.path_params["passage_id"], by=call.identity.name
        )
    except CommandStale as exc:
        raise _stale(exc) from exc


async def summary(call: Call) -> object:
    """Counters over everything the hub holds, and per lane what it still lacks."""
    counts = await call.services.store.read(hub_store.counts)
    head = await call.services.store.read(manifest_queries.head)
    return SummaryAnswer(
        passages=counts.passages,
        closed=counts.closed,
        verdicts=counts.verdicts,
        outcomes=counts.outcomes,
        records=counts.records,
        duplicates=counts.duplicates,
        missing=counts.missing,
        dead_letters=counts.dead_letters,
        manifest_version=head.version,
        lanes=tuple(lane_counts(*pair) for pair in await lane_pairs(call.services)),
    )


async def conflicts(call: Call) -> object:
    """Declarations that two passages were released on, the newest find first."""
    limit = call.number("limit", lowest=1, highest=1_000) or 100
    return await call.services.store.read(conflict_queries.conflicts, limit=limit)


async def _ordered(order: Awaitable[CommandRow]) -> CommandRow:
    """The order as it was given, or why it is too late for it."""
    try:
        return await order
    except CommandStale as exc:
        raise _stale(exc) from exc


async def override(call: Call) -> object:
    """Order a decision about one held vehicle; the answer is the order, still pending."""
    wanted = await call.parsed(OverrideRequest)
    decision = _one_of("decision", wanted.decision, _DECISIONS)
    reason = _reason(wanted.reason)
    return await _ordered(
        call.services.commands.override(
            call.request.path_params["passage_id"],
            cast("DecisionName", decision),
            by=call.identity.name,
            reason=reason,
            slip=wanted.slip.strip()[:40],
        )
    )


async def lower_barrier(call: Call) -> object:
    """Order down a boom that was left open; the lane's interlocks still rule."""
    return await _of_lane(call, LowerBarrierRequest, call.services.commands.lower_barrier)


async def evacuate(call: Call) -> object:
    """Order the boom up and kept open."""
    return await _of_lane(call, EvacuationRequest, call.services.commands.evacuate)


async def end_evacuation(call: Call) -> object:
    """End the evacuation that the lane is in; the boom stays open."""
    return await _of_lane(call, EvacuationRequest, call.services.commands.end_evacuation)


async def _of_lane(
    call: Call,
    request: type[LowerBarrierRequest | EvacuationRequest],
    order: Callable[..., Awaitable[CommandRow]],
) -> CommandRow:
    """An order to a lane that takes a reason and nothing else."""
    wanted = await call.parsed(request)
    lane_id = call.request.path_params["lane"]
    return await _ordered(order(lane_id, by=call.identity.name, reason=_reason(wanted.reason)))


async def set_mode(call: Call) -> object:
    """Order a lane's mode."""
    wanted = await call.parsed(ModeRequest)
    mode = cast("ModeName", _one_of("mode", wanted.mode, _MODES))
    reason = _reason(wanted.reason)
    return await _ordered(
        call.services.commands.set_mode(
            call.request.path_params["lane"],
            mode,
            by=call.identity.name,
            reason=reason,
            kind=wanted.kind if mode == "emergency" else "",
        )
    )


async def command(call: Call) -> object:
    """One order and what became of it."""
    command_id = call.request.path_params["command_id"]
    found = await call.services.store.read(hub_store.command, command_id)
    if found is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"command {command_id}: not known here")
    return found


async def import_manifest(call: Call) -> ImportReport:
    """Take the good rows of a file; each bad one is in the report."""
    file_format = call.choice("format", ("csv", "json"))
    if file_format is None:
        raise ApiError(HTTPStatus.BAD_REQUEST, "format: csv or json", field="format")
    content = await call.body(MAX_IMPORT_BYTES)
    try:
        return await call.services.manifest.import_file(
            content,
            cast("Literal['csv', 'json']", file_format),
            by=call.identity.name,
            source=(call.text("source") or "")[:200],
            replace=call.choice("replace", ("0", "1")) == "1",
        )
    except ManifestError as exc:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(exc), field="body") from exc


async def declarations(call: Call) -> object:
    """Declarations by plate, card or id."""
    store = call.services.store
    plate, card, declaration_id = call.text("plate"), call.text("card"), call.text("id")
    if plate is not None:
        return await store.read(manifest_queries.by_plate, normalize_plate(plate))
    if card is not None:
        return await store.read(manifest_queries.by_card, normalize_card(card))
    if declaration_id is not None:
        found = await store.read(manifest_queries.declaration, declaration_id)
        return [] if found is None else [found]
    raise ApiError(HTTPStatus.BAD_REQUEST, "give one of plate, card, id", field="plate")


async def versions(call: Call) -> object:
    """The newest versions of the manifest, newest first."""
    limit = call.number("limit", lowest=1, highest=1000) or 50
    return await call.services.store.read(manifest_queries.versions, limit=limit)


async def alarms(call: Call) -> object:
    """Alarms, newest first."""
    return await call.services.store.read(
        hub_store.alarms,
        lane_id=call.text("lane"),
        open_only=call.choice("open", ("0", "1")) == "1",
        limit=call.number("limit", lowest=1, highest=1000) or 200,
    )


async def acknowledge_alarm(call: Call) -> object:
    """Note that a person has seen an alarm."""
    alarm_id = call.request.path_params["alarm_id"]
    done = await call.services.store.write(
        audit.acknowledge_alarm,
        alarm_id,
        at_ms=call.services.clock.wall_ms(),
        who=call.identity.name,
    )
    if not done:
        raise ApiError(
            HTTPStatus.CONFLICT, f"alarm {alarm_id}: not known here, or acknowledged before"
        )
    call.services.changes.announce()
    return HealthAnswer(status="acknowledged")


async def audit_log(call: Call) -> object:
    """Who did what, newest first."""
    return await call.services.store.read(
        hub_store.audit,
        limit=call.number("limit", lowest=1, highest=1000) or 200,
        before_id=call.number("before_id", lowest=1, highest=_LAST_MS),
    )


def _one_of(field: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ApiError(
            HTTPStatus.BAD_REQUEST, f"{field} {value!r}: one of {', '.join(allowed)}", field=field
        )
    return value


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            f"reason: 1 to {MAX_REASON} characters are required",
            field="reason",
        )
    return reason


_NOT_KNOWN = (StaleReason.UNKNOWN_PASSAGE, StaleReason.UNKNOWN_LANE, StaleReason.NO_CLIP)


def _stale(exc: CommandStale) -> ApiError:
    unknown = exc.reason in _NOT_KNOWN
    status = HTTPStatus.NOT_FOUND if unknown else HTTPStatus.CONFLICT
    return ApiError(status, str(exc), code=exc.reason.value)
