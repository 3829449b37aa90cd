"""Every endpoint of API v1. Within v1 there are only additions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from central.api import operations, policy_operations
from central.api.answers import (
    HealthAnswer,
    LaneAnswer,
    LowerBarrierRequest,
    ModeRequest,
    OverrideRequest,
    PackAnswer,
    PassageAnswer,
    PeriodRequest,
    SummaryAnswer,
)
from central.api.endpoints import Endpoint, Handler, Parameter
from central.auth.roles import Role
from central.manifest.report import ImportReport
from central.store.conflict_queries import Conflict
from central.store.draw_queries import DrawAudit, OwedRow
from central.store.policy_store import PackRow, PeriodRow
from central.store.rows import (
    AlarmRow,
    AuditRow,
    ClipRow,
    CommandRow,
    HeldPassage,
    ManifestVersionRow,
    PassageSummary,
)
from gate_agent.wire.v1 import DeclarationRow

PREFIX = "/api/v1"
_LIMIT = Parameter(name="limit", description="at most so many", schema="integer")
_LANE = Parameter(name="lane", description="only this lane")
_NOT_FOUND = (HTTPStatus.NOT_FOUND,)
_CONFLICT = (HTTPStatus.CONFLICT,)


def _question(
    path: str,
    summary: str,
    handler: Handler,
    answer: Any,  # noqa: ANN401 - a type
    *parameters: Parameter,
    errors: tuple[HTTPStatus, ...] = (),
) -> Endpoint:
    """What whoever may look may ask; `answer` None: not JSON."""
    return Endpoint(
        method="GET",
        path=path,
        role=Role.VIEWER,
        summary=summary,
        handler=handler,
        answer=answer,
        parameters=parameters,
        errors=errors,
    )


def _change(
    path: str,
    role: Role,
    summary: str,
    handler: Handler,
    answer: Any,  # noqa: ANN401 - a type
    *parameters: Parameter,
    body: Any = None,  # noqa: ANN401 - a type, or a media type in words
    errors: tuple[HTTPStatus, ...],
    status: HTTPStatus = HTTPStatus.OK,
) -> Endpoint:
    """What only some may do."""
    return Endpoint(
        method="POST",
        path=path,
        role=role,
        summary=summary,
        handler=handler,
        answer=answer,
        parameters=parameters,
        body=body,
        errors=errors,
        status=status,
    )


def _order(
    path: str,
    summary: str,
    handler: Handler,
    body: Any,  # noqa: ANN401 - a type
) -> Endpoint:
    """An order to a lane: it is accepted now and carried out, or not, by the lane."""
    errors = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
    return _change(
        path,
        Role.SUPERVISOR,
        summary,
        handler,
        CommandRow,
        body=body,
        errors=errors,
        status=HTTPStatus.ACCEPTED,
    )


_READING = (
    _question("/lanes", "Every lane as it is now", operations.lanes, list[LaneAnswer]),
    _question(
        "/passages", "Passages, newest first", operations.passages, list[PassageSummary],
        _LANE,
        Parameter(name="outcome", description="release, hold, inspect or refuse"),
        Parameter(name="open", description="1: only vehicles still in the lane"),
        Parameter(name="since_ms", description="from this time on, UTC epoch milliseconds",
                  schema="integer"),
        Parameter(name="before_ms", description="before this time", schema="integer"),
        Parameter(name="plate", description="exactly this plate, separators do not matter"),
        _LIMIT,
    ),
    _question(
        "/passages/{passage_id}", "One passage with its whole record",
        operations.passage, PassageAnswer, errors=_NOT_FOUND,
    ),
    _question(
        "/passages/{passage_id}/dossier",
        "The sealed dossier of a closed passage (kakou-dossier-1)",
        operations.dossier, None, errors=_NOT_FOUND,
    ),
    _question(
        "/held", "Vehicles that wait for a person, longest first",
        operations.held, list[HeldPassage],
    ),
    _question(
        "/pictures/{picture_id}", "One evidence picture (image/jpeg)",
        operations.picture, None, errors=_NOT_FOUND,
    ),
    _question(
        "/clips/{clip_id}", "One clip that was fetched from its lane (video/x-msvideo)",
        operations.clip, None, errors=_NOT_FOUND,
    ),
    _question(
        "/summary",
        "Counters: passages by outcome, duplicates, missing, dead letters, unsynced",
        operations.summary, SummaryAnswer,
    ),
    _question(
        "/commands/{command_id}", "One order and what became of it",
        operations.command, CommandRow, errors=_NOT_FOUND,
    ),
    _question(
        "/manifest/declarations", "Declarations by plate, card or id",
        operations.declarations, list[DeclarationRow],
        Parameter(name="plate", description="any separators"),
        Parameter(name="card", description="card number in hex"),
        Parameter(name="id", description="declaration id"),
    ),
    _question(
        "/manifest/versions", "Versions of the manifest, newest first",
        operations.versions, list[ManifestVersionRow], _LIMIT,
    ),
    _question(
        "/alarms", "Alarms, newest first", operations.alarms, list[AlarmRow],
        _LANE, Parameter(name="open", description="1: not acknowledged"), _LIMIT,
    ),
    _question(
        "/conflicts",
        "Declarations that two passages were released on: who, where, when, pictures",
        operations.conflicts, list[Conflict], _LIMIT,
    ),
    _question(
        "/audit", "Who did what, newest first", operations.audit_log, list[AuditRow],
        _LIMIT,
        Parameter(name="before_id", description="older than this audit_id", schema="integer"),
    ),
)  # fmt: skip

_CHANGING = (
    _order(
        "/passages/{passage_id}/override", "Order a decision about one held vehicle",
        operations.override, OverrideRequest,
    ),
    _order(
        "/lanes/{lane}/lower-barrier", "Order down a boom that was left open",
        operations.lower_barrier, LowerBarrierRequest,
    ),
    _order(
        "/lanes/{lane}/mode", "Order a lane's mode: auto, attended, emergency or closed",
        operations.set_mode, ModeRequest,
    ),
    _change(
        "/passages/{passage_id}/clip", Role.SUPERVISOR,
        "Ask the lane for the clip of a passage", operations.fetch_clip, ClipRow,
        errors=_NOT_FOUND, status=HTTPStatus.ACCEPTED,
    ),
    _change(
        "/alarms/{alarm_id:int}/acknowledge", Role.SUPERVISOR,
        "Note that a person has seen an alarm", operations.acknowledge_alarm, HealthAnswer,
        errors=_CONFLICT,
    ),
    _change(
        "/manifest/import", Role.ADMINISTRATOR,
        "Import declarations: good rows are taken, bad ones are in the report",
        operations.import_manifest, ImportReport,
        Parameter(name="format", description="csv or json"),
        Parameter(name="source", description="name of the file, for the log"),
        Parameter(name="replace", description="1: withdraw what the file does not name"),
        body="text/csv or application/json",
        errors=(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
)  # fmt: skip

_POLICY = (
    _question(
        "/policy", "Policy packs, newest first", policy_operations.policies, list[PackAnswer]
    ),
    _question(
        "/policy/packs/{policy_hash}", "One pack as its canonical JSON",
        policy_operations.policy, None, errors=_NOT_FOUND,
    ),
    _change(
        "/policy/import", Role.ADMINISTRATOR,
        "Import a policy pack: taken whole or refused with the field",
        policy_operations.import_policy, PackRow,
        Parameter(name="source", description="name of the file, for the log"),
        body="application/json",
        errors=(
            HTTPStatus.CONFLICT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
    _question(
        "/policy/periods",
        "Periods of draws with their commitments, and secrets once revealed",
        policy_operations.periods, list[PeriodRow],
    ),
    _change(
        "/policy/periods", Role.ADMINISTRATOR,
        "Make the secret of a period to come and commit to it",
        policy_operations.new_period, PeriodRow,
        body=PeriodRequest, errors=(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT),
    ),
    _change(
        "/policy/periods/{period}/reveal", Role.ADMINISTRATOR,
        "Reveal the secret of a period that is over",
        policy_operations.reveal, PeriodRow, errors=_CONFLICT,
    ),
    _question(
        "/policy/periods/{period}/audit", "Every draw of a period made again from the records",
        policy_operations.audit_draws, DrawAudit, errors=_NOT_FOUND,
    ),
    _question(
        "/obligations", "What released vehicles still owe, the earliest due first",
        policy_operations.obligations, list[OwedRow], _LIMIT,
    ),
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (*_READING, *_CHANGING, *_POLICY)
