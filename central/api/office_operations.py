"""What comes after a release: obligations are closed by named people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from central.api.answers import ClosingRequest, ReopeningRequest
from central.api.endpoints import ApiError, Call
from central.store import obligation_store
from central.store.obligation_store import Deed, ObligationError, OwedRow, Standing, Word

NUMBER_LENGTH: Final = 64
REASON_LENGTH: Final = 300
_STANDINGS: Final = ("open", "overdue", "closed", "all")


async def obligations(call: Call) -> object:
    """What released vehicles owe, the earliest due first."""
    wanted = call.choice("standing", _STANDINGS) or "open"
    return await call.services.store.read(
        obligation_store.owed,
        now_ms=call.services.clock.wall_ms(),
        standing=None if wanted == "all" else Standing(wanted),
        limit=call.number("limit", lowest=1, highest=10_000) or 500,
    )


async def close_obligation(call: Call) -> object:
    """Somebody says that it was done: when, and under which number."""
    said = await call.parsed(ClosingRequest)
    return await _said(
        call,
        Word(
            passage_id=said.passage_id,
            code=said.code,
            to=said.to,
            deed=Deed.CLOSED,
            by=call.identity.name,
            at_ms=call.services.clock.wall_ms(),
            number=_short(said.number, "number", NUMBER_LENGTH),
            done_at_ms=said.done_at_ms,
            reason=said.reason.strip()[:REASON_LENGTH],
        ),
    )


async def reopen_obligation(call: Call) -> object:
    """Somebody says that it was closed in error, and why."""
    said = await call.parsed(ReopeningRequest)
    return await _said(
        call,
        Word(
            passage_id=said.passage_id,
            code=said.code,
            to=said.to,
            deed=Deed.REOPENED,
            by=call.identity.name,
            at_ms=call.services.clock.wall_ms(),
            reason=_short(said.reason, "reason", REASON_LENGTH),
        ),
    )


async def _said(call: Call, word: Word) -> OwedRow:
    try:
        return await call.services.store.write(obligation_store.say, word)
    except ObligationError as exc:
        status = HTTPStatus.CONFLICT if exc.is_known else HTTPStatus.NOT_FOUND
        raise ApiError(status, str(exc)) from exc


def _short(text: str, field: str, longest: int) -> str:
    text = text.strip()
    if not 1 <= len(text) <= longest or not text.isprintable():
        raise ApiError(HTTPStatus.BAD_REQUEST, f"{field}: 1 to {longest} characters", field=field)
    return text
