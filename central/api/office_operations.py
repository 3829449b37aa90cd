"""What comes after a release: obligations and lists are closed by named people."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from central.api.answers import (
    AccountClosingRequest,
    ClosingRequest,
    FiguresAnswer,
    ReopeningRequest,
)
from central.api.endpoints import ApiError, Call
from central.proof import exit_proof
from central.proof.download import csv_file
from central.proof.exit_proof import ExitProofError
from central.store import crossings, figures, ledger, obligation_store, policy_store, safety
from central.store.account_store import AccountError
from central.store.crossings import Inside
from central.store.ledger import Ledger
from central.store.obligation_store import Deed, ObligationError, OwedRow, Standing, Word
from gate_agent.domain.policy_pack import Targets

NUMBER_LENGTH: Final = 64
DAY_MS: Final = 86_400_000
LONGEST_MS: Final = 366 * DAY_MS
LAST_MS: Final = 1 << 53
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
    closed = replace(
        _word(call, said, Deed.CLOSED),
        number=_short(said.number, "number", NUMBER_LENGTH),
        done_at_ms=said.done_at_ms,
        reason=said.reason.strip()[:REASON_LENGTH],
    )
    return await _said(call, closed)


async def reopen_obligation(call: Call) -> object:
    """Somebody says that it was closed in error, and why."""
    said = await call.parsed(ReopeningRequest)
    reopened = replace(
        _word(call, said, Deed.REOPENED), reason=_short(said.reason, "reason", REASON_LENGTH)
    )
    return await _said(call, reopened)


def _word(call: Call, said: ClosingRequest | ReopeningRequest, deed: Deed) -> Word:
    return Word(
        passage_id=said.passage_id,
        code=said.code,
        to=said.to,
        deed=deed,
        by=call.identity.name,
        at_ms=call.services.clock.wall_ms(),
    )


async def accounts(call: Call) -> object:
    """Every list, permit and book; those that wait to be closed first."""
    return await call.services.store.read(ledger.accounts, now_ms=call.services.clock.wall_ms())


async def ledger_of(call: Call) -> object:
    """One account with every draw on it."""
    return await _ledger(call, call.text("account"))


async def ledger_csv(call: Call) -> object:
    """The same as a table."""
    found = await _ledger(call, call.text("account"))
    return csv_file(f"{found.account.account_id}.csv", ledger.as_csv(found))


async def close_account(call: Call) -> object:
    """Somebody ends the period of a list, under the number of its collective declaration."""
    said = await call.parsed(AccountClosingRequest)
    try:
        await call.services.manifest.close_account(
            said.account_id,
            by=call.identity.name,
            number=_short(said.number, "number", NUMBER_LENGTH),
            reason=said.reason.strip()[:REASON_LENGTH],
        )
    except AccountError as exc:
        status = HTTPStatus.CONFLICT if exc.is_known else HTTPStatus.NOT_FOUND
        raise ApiError(status, str(exc)) from exc
    return await _ledger(call, said.account_id)


async def _ledger(call: Call, account_id: str | None) -> Ledger:
    if account_id is None:
        raise ApiError(HTTPStatus.BAD_REQUEST, "account: which one", field="account")
    now_ms = call.services.clock.wall_ms()
    found = await call.services.store.read(ledger.ledger, account_id, now_ms=now_ms)
    if found is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"account {account_id}: nothing was granted")
    return found


async def proof_of_exit(call: Call) -> object:
    """The proof for one declaration, made from the dossier and checked before it is given out."""
    declaration_id = call.text("declaration")
    if declaration_id is None:
        raise ApiError(HTTPStatus.BAD_REQUEST, "declaration: which one", field="declaration")
    try:
        return await call.services.store.read(
            exit_proof.prove, declaration_id, site=call.services.config.site
        )
    except ExitProofError as exc:
        raise ApiError(HTTPStatus.CONFLICT, str(exc)) from exc


async def figures_of(call: Call) -> object:
    """What the lanes did in a period, beside what is promised."""
    from_ms, to_ms = period(call)
    pack = await call.services.store.read(policy_store.current, call.services.clock.wall_ms())
    return FiguresAnswer(
        from_ms=from_ms,
        to_ms=to_ms,
        policy_version=pack.version if pack else "",
        targets=pack.targets if pack else Targets(),
        lanes=await call.services.store.read(figures.figures, from_ms=from_ms, to_ms=to_ms),
    )


async def safety_report(call: Call) -> object:
    """How safely the lanes ran in a period."""
    from_ms, to_ms = period(call)
    now_ms = call.services.clock.wall_ms()
    return await call.services.store.read(
        safety.report, from_ms=from_ms, to_ms=to_ms, now_ms=now_ms
    )


async def inside(call: Call) -> object:
    """Who is inside, as far as the account sees it."""
    return await _inside(call)


async def inside_csv(call: Call) -> object:
    """The same as a table."""
    return csv_file("inside.csv", crossings.as_csv(await _inside(call)))


async def _inside(call: Call) -> Inside:
    return await call.services.store.read(
        crossings.inside,
        now_ms=call.services.clock.wall_ms(),
        limit=call.number("limit", lowest=1, highest=10_000) or 500,
        plate=call.text("plate"),
        scope=call.identity.scope,
    )


def period(call: Call) -> tuple[int, int]:
    """The period that is asked for, by default the last day. Raises `ApiError`."""
    now_ms = call.services.clock.wall_ms()
    to_ms = call.number("to_ms", lowest=0, highest=LAST_MS)
    to_ms = now_ms if to_ms is None else to_ms
    from_ms = call.number("from_ms", lowest=0, highest=LAST_MS)
    from_ms = to_ms - DAY_MS if from_ms is None else from_ms
    if not 0 < to_ms - from_ms <= LONGEST_MS:
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "from_ms, to_ms: at most 366 days, in order", field="from_ms"
        )
    return from_ms, to_ms


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
