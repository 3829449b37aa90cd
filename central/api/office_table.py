"""Endpoints of API v1 for what comes after a release: what is owed and what is shown for it."""

from __future__ import annotations

from http import HTTPStatus

from central.api import office_operations
from central.api.answers import ClosingRequest, ReopeningRequest
from central.api.declaring import LIMIT, change, question
from central.api.endpoints import Endpoint, Parameter
from central.auth.roles import Role
from central.store.obligation_store import OwedRow

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
)  # fmt: skip
