"""Every endpoint of API v1. Within v1 there are only additions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from central.api import operations, policy_operations
from central.api.answers import (
    EvacuationRequest,
    HealthAnswer,
    KeepRequest,
    LaneAnswer,
    LowerBarrierRequest,
    ModeRequest,
    OverrideRequest,
    PackAnswer,
    PassageAnswer,
    PeriodRequest,
    SummaryAnswer,
)
from central.api.declaring import CONFLICT, LANE, LIMIT, NOT_FOUND, change, question
from central.api.endpoints import Endpoint, Handler, Parameter
from central.api.office_table import OFFICE
from central.auth.roles import Role
from central.manifest.report import ImportReport
from central.store.conflict_queries import Conflict
from central.store.draw_queries import DrawAudit
from central.store.policy_store import PackRow, PeriodRow
from central.store.rows import (
    AlarmRow,
    AuditRow,
    ClipRow,
    CommandRow,
    HeldPassage,
    Keeping,
    ManifestVersionRow,
    PassageSummary,
)
from gate_agent.wire.v1 import DeclarationRow

PREFIX = "/api/v1"
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)  # 410: a rule deleted it
_OF_KEEPING = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


def _order(
    path: str,
    summary: str,
    handler: Handler,
    body: Any,  # noqa: ANN401 - a type
) -> Endpoint:
    """An order to a lane: it is accepted now and carried out, or not, by the lane."""
    errors = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
    return change(
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
    question("/lanes", "Every lane as it is now", operations.lanes, list[LaneAnswer]),
    question(
        "/passages", "Passages, newest first", operations.passages, list[PassageSummary],
        LANE,
        Parameter(name="outcome", description="release, hold, inspect or refuse"),
        Parameter(name="open", description="1: only vehicles still in the lane"),
        Parameter(name="since_ms", description="from this time on, UTC epoch milliseconds",
                  schema="integer"),
        Parameter(name="before_ms", description="before this time", schema="integer"),
        Parameter(name="plate", description="exactly this plate, separators do not matter"),
        LIMIT, keeps_scope=True,
    ),
    question(
        "/passages/{passage_id}", "One passage with its whole record",
        operations.passage, PassageAnswer, errors=NOT_FOUND, keeps_scope=True,
    ),
    question(
        "/passages/{passage_id}/dossier",
        "The sealed dossier of a closed passage (kakou-dossier-1)",
        operations.dossier, None, errors=NOT_FOUND,
    ),
    question(
        "/held", "Vehicles that wait for a person, by risk times waiting time",
        operations.held, list[HeldPassage], keeps_scope=True,
    ),
    question(
        "/pictures/{picture_id}", "One evidence picture (image/jpeg)",
        operations.picture, None, errors=GONE, keeps_scope=True,
    ),
    question(
        "/clips/{clip_id}", "One clip that was fetched from its lane (video/x-msvideo)",
        operations.clip, None, errors=GONE,
    ),
    question(
        "/summary",
        "Counters: passages by outcome, duplicates, missing, dead letters, unsynced",
        operations.summary, SummaryAnswer,
    ),
    question(
        "/commands/{command_id}", "One order and what became of it",
        operations.command, CommandRow, errors=NOT_FOUND,
    ),
    question(
        "/manifest/declarations", "Declarations by plate, card or id",
        operations.declarations, list[DeclarationRow],
        Parameter(name="plate", description="any separators"),
        Parameter(name="card", description="card number in hex"),
        Parameter(name="id", description="declaration id"),
    ),
    question(
        "/manifest/versions", "Versions of the manifest, newest first",
        operations.versions, list[ManifestVersionRow], LIMIT,
    ),
    question(
        "/alarms", "Alarms, newest first", operations.alarms, list[AlarmRow],
        LANE, Parameter(name="open", description="1: not acknowledged"), LIMIT,
    ),
    question(
        "/conflicts",
        "Declarations that two passages were released on: who, where, when, pictures",
        operations.conflicts, list[Conflict], LIMIT,
    ),
    question(
        "/audit", "Who did what, newest first", operations.audit_log, list[AuditRow],
        LIMIT,
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
        "/lanes/{lane}/evacuate", "Order the boom up and kept open: everybody drives out",
        operations.evacuate, EvacuationRequest,
    ),
    _order(
        "/lanes/{lane}/end-evacuation", "End the evacuation of a lane; the boom stays open",
        operations.end_evacuation, EvacuationRequest,
    ),
    _order(
        "/lanes/{lane}/mode", "Order a lane's mode: auto, attended, emergency or closed",
        operations.set_mode, ModeRequest,
    ),
    change(
        "/passages/{passage_id}/clip", Role.SUPERVISOR,
        "Ask the lane for the clip of a passage", operations.fetch_clip, ClipRow,
        errors=NOT_FOUND, status=HTTPStatus.ACCEPTED,
    ),
    change(
        "/passages/{passage_id}/keep", Role.SUPERVISOR,
        "Keep the pictures and the clip of a passage from every rule that deletes",
        operations.keep, Keeping, body=KeepRequest, errors=_OF_KEEPING,
    ),
    change(
        "/passages/{passage_id}/end-keep", Role.ADMINISTRATOR,
        "Let the rules have the pictures and the clip of a passage again",
        operations.end_keep, Keeping, body=KeepRequest, errors=_OF_KEEPING,
    ),
    change(
        "/alarms/{alarm_id:int}/acknowledge", Role.SUPERVISOR,
        "Note that a person has seen an alarm", operations.acknowledge_alarm, HealthAnswer,
        errors=CONFLICT,
    ),
    change(
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
    question(
        "/policy", "Policy packs, newest first", policy_operations.policies, list[PackAnswer]
    ),
    question(
        "/policy/packs/{policy_hash}", "One pack as its canonical JSON",
        policy_operations.policy, None, errors=NOT_FOUND,
    ),
    change(
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
    question(
        "/policy/periods",
        "Periods of draws with their commitments, and secrets once revealed",
        policy_operations.periods, list[PeriodRow],
    ),
    change(
        "/policy/periods", Role.ADMINISTRATOR,
        "Make the secret of a period to come and commit to it",
        policy_operations.new_period, PeriodRow,
        body=PeriodRequest, errors=(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT),
    ),
    change(
        "/policy/periods/{period}/reveal", Role.ADMINISTRATOR,
        "Reveal the secret of a period that is over",
        policy_operations.reveal, PeriodRow, errors=CONFLICT,
    ),
    question(
        "/policy/periods/{period}/audit", "Every draw of a period made again from the records",
        policy_operations.audit_draws, DrawAudit, errors=NOT_FOUND,
    ),
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (*_READING, *_CHANGING, *_POLICY, *OFFICE)
