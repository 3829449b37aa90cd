"""Every endpoint of API v1. Within v1 there are only additions."""

from __future__ import annotations

from http import HTTPStatus

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
from central.api.endpoints import Endpoint, Parameter
from central.auth.roles import Role
from central.manifest.report import ImportReport
from central.store.conflict_queries import Conflict
from central.store.draw_queries import DrawAudit, OwedRow
from central.store.policy_store import PackRow, PeriodRow
from central.store.rows import (
    AlarmRow,
    AuditRow,
    CommandRow,
    HeldPassage,
    ManifestVersionRow,
    PassageSummary,
)
from gate_agent.wire.v1 import DeclarationRow

PREFIX = "/api/v1"
_LIMIT = Parameter(name="limit", description="at most so many", schema="integer")
_LANE = Parameter(name="lane", description="only this lane")
_ORDER_ERRORS = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)

_READING = (
    Endpoint(
        method="GET", path="/lanes", role=Role.VIEWER, summary="Every lane as it is now",
        handler=operations.lanes, answer=list[LaneAnswer],
    ),
    Endpoint(
        method="GET", path="/passages", role=Role.VIEWER, summary="Passages, newest first",
        handler=operations.passages, answer=list[PassageSummary],
        parameters=(
            _LANE,
            Parameter(name="outcome", description="release, hold, inspect or refuse"),
            Parameter(name="open", description="1: only vehicles still in the lane"),
            Parameter(name="since_ms", description="from this time on, UTC epoch milliseconds",
                      schema="integer"),
            Parameter(name="before_ms", description="before this time", schema="integer"),
            Parameter(name="plate", description="exactly this plate, separators do not matter"),
            _LIMIT,
        ),
    ),
    Endpoint(
        method="GET", path="/passages/{passage_id}", role=Role.VIEWER,
        summary="One passage with its whole record", handler=operations.passage,
        answer=PassageAnswer, errors=(HTTPStatus.NOT_FOUND,),
    ),
    Endpoint(
        method="GET", path="/passages/{passage_id}/dossier", role=Role.VIEWER,
        summary="The sealed dossier of a closed passage (kakou-dossier-1)",
        handler=operations.dossier, answer=None, errors=(HTTPStatus.NOT_FOUND,),
    ),
    Endpoint(
        method="GET", path="/held", role=Role.VIEWER,
        summary="Vehicles that wait for a person, longest first", handler=operations.held,
        answer=list[HeldPassage],
    ),
    Endpoint(
        method="GET", path="/pictures/{picture_id}", role=Role.VIEWER,
        summary="One evidence picture (image/jpeg)", handler=operations.picture, answer=None,
        errors=(HTTPStatus.NOT_FOUND,),
    ),
    Endpoint(
        method="GET", path="/summary", role=Role.VIEWER,
        summary="Counters: passages by outcome, duplicates, missing, dead letters, unsynced",
        handler=operations.summary, answer=SummaryAnswer,
    ),
    Endpoint(
        method="GET", path="/commands/{command_id}", role=Role.VIEWER,
        summary="One order and what became of it", handler=operations.command, answer=CommandRow,
        errors=(HTTPStatus.NOT_FOUND,),
    ),
    Endpoint(
        method="GET", path="/manifest/declarations", role=Role.VIEWER,
        summary="Declarations by plate, card or id", handler=operations.declarations,
        answer=list[DeclarationRow],
        parameters=(
            Parameter(name="plate", description="any separators"),
            Parameter(name="card", description="card number in hex"),
            Parameter(name="id", description="declaration id"),
        ),
    ),
    Endpoint(
        method="GET", path="/manifest/versions", role=Role.VIEWER,
        summary="Versions of the manifest, newest first", handler=operations.versions,
        answer=list[ManifestVersionRow], parameters=(_LIMIT,),
    ),
    Endpoint(
        method="GET", path="/alarms", role=Role.VIEWER, summary="Alarms, newest first",
        handler=operations.alarms, answer=list[AlarmRow],
        parameters=(_LANE, Parameter(name="open", description="1: not acknowledged"), _LIMIT),
    ),
    Endpoint(
        method="GET", path="/conflicts", role=Role.VIEWER,
        summary="Declarations that two passages were released on: who, where, when, pictures",
        handler=operations.conflicts, answer=list[Conflict], parameters=(_LIMIT,),
    ),
    Endpoint(
        method="GET", path="/audit", role=Role.VIEWER, summary="Who did what, newest first",
        handler=operations.audit_log, answer=list[AuditRow],
        parameters=(
            _LIMIT,
            Parameter(name="before_id", description="older than this audit_id", schema="integer"),
        ),
    ),
)  # fmt: skip

_CHANGING = (
    Endpoint(
        method="POST", path="/passages/{passage_id}/override", role=Role.SUPERVISOR,
        summary="Order a decision about one held vehicle", handler=operations.override,
        body=OverrideRequest, answer=CommandRow, status=HTTPStatus.ACCEPTED, errors=_ORDER_ERRORS,
    ),
    Endpoint(
        method="POST", path="/lanes/{lane}/lower-barrier", role=Role.SUPERVISOR,
        summary="Order down a boom that was left open", handler=operations.lower_barrier,
        body=LowerBarrierRequest, answer=CommandRow, status=HTTPStatus.ACCEPTED,
        errors=_ORDER_ERRORS,
    ),
    Endpoint(
        method="POST", path="/lanes/{lane}/mode", role=Role.SUPERVISOR,
        summary="Order a lane's mode: auto, attended, emergency or closed",
        handler=operations.set_mode,
        body=ModeRequest, answer=CommandRow, status=HTTPStatus.ACCEPTED, errors=_ORDER_ERRORS,
    ),
    Endpoint(
        method="POST", path="/alarms/{alarm_id:int}/acknowledge", role=Role.SUPERVISOR,
        summary="Note that a person has seen an alarm", handler=operations.acknowledge_alarm,
        answer=HealthAnswer, errors=(HTTPStatus.CONFLICT,),
    ),
    Endpoint(
        method="POST", path="/manifest/import", role=Role.ADMINISTRATOR,
        summary="Import declarations: good rows are taken, bad ones are in the report",
        handler=operations.import_manifest, body="text/csv or application/json",
        answer=ImportReport,
        parameters=(
            Parameter(name="format", description="csv or json"),
            Parameter(name="source", description="name of the file, for the log"),
            Parameter(name="replace", description="1: withdraw what the file does not name"),
        ),
        errors=(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
)  # fmt: skip

_POLICY = (
    Endpoint(
        method="GET", path="/policy", role=Role.VIEWER, summary="Policy packs, newest first",
        handler=policy_operations.policies, answer=list[PackAnswer],
    ),
    Endpoint(
        method="GET", path="/policy/packs/{policy_hash}", role=Role.VIEWER,
        summary="One pack as its canonical JSON", handler=policy_operations.policy, answer=None,
        errors=(HTTPStatus.NOT_FOUND,),
    ),
    Endpoint(
        method="POST", path="/policy/import", role=Role.ADMINISTRATOR,
        summary="Import a policy pack: taken whole or refused with the field",
        handler=policy_operations.import_policy, body="application/json", answer=PackRow,
        parameters=(Parameter(name="source", description="name of the file, for the log"),),
        errors=(
            HTTPStatus.CONFLICT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
    Endpoint(
        method="GET", path="/policy/periods", role=Role.VIEWER,
        summary="Periods of draws with their commitments, and secrets once revealed",
        handler=policy_operations.periods, answer=list[PeriodRow],
    ),
    Endpoint(
        method="POST", path="/policy/periods", role=Role.ADMINISTRATOR,
        summary="Make the secret of a period to come and commit to it",
        handler=policy_operations.new_period, body=PeriodRequest, answer=PeriodRow,
        errors=(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT),
    ),
    Endpoint(
        method="POST", path="/policy/periods/{period}/reveal", role=Role.ADMINISTRATOR,
        summary="Reveal the secret of a period that is over", handler=policy_operations.reveal,
        answer=PeriodRow, errors=(HTTPStatus.CONFLICT,),
    ),
    Endpoint(
        method="GET", path="/policy/periods/{period}/audit", role=Role.VIEWER,
        summary="Every draw of a period made again from the records",
        handler=policy_operations.audit_draws, answer=DrawAudit, errors=(HTTPStatus.NOT_FOUND,),
    ),
    Endpoint(
        method="GET", path="/obligations", role=Role.VIEWER,
        summary="What released vehicles still owe, the earliest due first",
        handler=policy_operations.obligations, answer=list[OwedRow],
        parameters=(_LIMIT,),
    ),
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (*_READING, *_CHANGING, *_POLICY)
