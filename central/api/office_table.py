"""Endpoints of API v1 for what comes after a release: what is owed and what is shown for it."""

from __future__ import annotations

from http import HTTPStatus

from central.api import office_operations
from central.api.answers import (
    AccountClosingRequest,
    ClosingRequest,
    FiguresAnswer,
    ReopeningRequest,
)
from central.api.declaring import LIMIT, change, question
from central.api.endpoints import Endpoint, Parameter
from central.auth.roles import Role
from central.proof.exit_proof import ExitProof
from central.store.crossings import Inside
from central.store.ledger import AccountStanding, Ledger
from central.store.obligation_store import OwedRow
from central.store.safety import SafetyReport

ACCOUNT = Parameter(name="account", description="its id")
PLATE = Parameter(name="plate", description="only this one, any separators")
_ERRORS = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)

OFFICE: tuple[Endpoint, ...] = (
    question(
        "/obligations", "What released vehicles owe, the earliest due first",
        office_operations.obligations, list[OwedRow],
        Parameter(name="standing", description="open and overdue (default), overdue, closed, all"),
        LIMIT,
    ),
    change(
        "/obligations/close", Role.SUPERVISOR,
        "Note that papers were handed in, a transit closed, an exit confirmed",
        office_operations.close_obligation, OwedRow, body=ClosingRequest, errors=_ERRORS,
    ),
    change(
        "/obligations/reopen", Role.SUPERVISOR,
        "Note that an obligation was closed in error",
        office_operations.reopen_obligation, OwedRow, body=ReopeningRequest, errors=_ERRORS,
    ),
    question(
        "/accounts", "Lists, permits and books: granted, taken, left, and their periods",
        office_operations.accounts, list[AccountStanding],
    ),
    question(
        "/accounts/ledger", "One account with every draw on it", office_operations.ledger_of,
        Ledger, ACCOUNT, errors=(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    ),
    question(
        "/accounts/ledger.csv", "The same as a table for an office (text/csv)",
        office_operations.ledger_csv, None, ACCOUNT,
        errors=(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    ),
    change(
        "/accounts/close", Role.SUPERVISOR,
        "End the period of a list: nobody draws on it any more, what was owed under it is settled",
        office_operations.close_account, Ledger, body=AccountClosingRequest, errors=_ERRORS,
    ),
    question(
        "/exit-proof", "The proof that the goods of an export declaration left",
        office_operations.proof_of_exit, ExitProof,
        Parameter(name="declaration", description="its id"),
        errors=(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT),
    ),
    question(
        "/figures", "P50 and P95 seconds, automatic share and exceptions of each lane, and targets",
        office_operations.figures_of, FiguresAnswer,
        Parameter(name="from_ms", description="began at or after; default: a day ago",
                  schema="integer"),
        Parameter(name="to_ms", description="began before; default: now", schema="integer"),
        errors=(HTTPStatus.BAD_REQUEST,),
    ),
    question(
        "/report", "The safety report of a period: alarms, openings without a release, faults",
        office_operations.safety_report, SafetyReport,
        Parameter(name="from_ms", description="happened at or after; default: a day ago",
                  schema="integer"),
        Parameter(name="to_ms", description="happened before; default: now", schema="integer"),
        errors=(HTTPStatus.BAD_REQUEST,),
    ),
    question(
        "/inside", "Vehicles that came in and are not out, and ways without a counterpart",
        office_operations.inside, Inside, PLATE, LIMIT,
        errors=(HTTPStatus.BAD_REQUEST,), keeps_scope=True,
    ),
    question(
        "/inside.csv", "The same as a table for an office (text/csv)",
        office_operations.inside_csv, None, PLATE, LIMIT,
        errors=(HTTPStatus.BAD_REQUEST,), keeps_scope=True,
    ),
)  # fmt: skip
