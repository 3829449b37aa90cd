"""Policy packs, periods of draws, and the audit of every draw."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from starlette.responses import Response

from central.api.answers import PackAnswer, PeriodRequest
from central.api.endpoints import ApiError, Call
from central.services import Services
from central.store import draw_queries, policy_store
from central.store.policy_store import PolicyConflictError
from gate_agent.domain.draws import SECRET_BYTES
from gate_agent.domain.policy_pack import policy_hash
from gate_agent.wire.policy_pack import PolicyPackError, read_new_pack

MAX_PACK_BYTES = 1_000_000
PERIOD_LENGTH = 64


async def import_policy(call: Call) -> object:
    """Take a pack whole, or refuse it with the field; the lanes have it within seconds."""
    content = await call.body(MAX_PACK_BYTES)
    source = (call.text("source") or "policy")[:200]
    try:
        pack = read_new_pack(content, source)
        kept = await call.services.store.write(
            policy_store.keep_pack,
            pack,
            at_ms=call.services.clock.wall_ms(),
            who=call.identity.name,
            source=source,
        )
    except PolicyPackError as exc:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(exc), field="body") from exc
    except PolicyConflictError as exc:
        raise ApiError(HTTPStatus.CONFLICT, f"{source}: {exc}", field="body") from exc
    call.services.changes.announce()
    return kept


async def policies(call: Call) -> object:
    """Every pack, the newest import first."""
    return await pack_answers(call.services)


async def pack_answers(services: Services) -> list[PackAnswer]:
    """Every pack with whether it is in force now."""
    now_ms = services.clock.wall_ms()
    store = services.store
    current = await store.read(policy_store.current, now_ms)
    name = policy_hash(current) if current else ""
    rows = await store.read(policy_store.packs)
    return [PackAnswer(pack=row, in_force=row.policy_hash == name) for row in rows]


async def policy(call: Call) -> Response:
    """One pack by its hash, as the canonical JSON that the hash is taken of."""
    name = call.request.path_params["policy_hash"]
    body = await call.services.store.read(policy_store.pack_body, name)
    if body is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"policy {name}: not known here")
    return Response(body, media_type="application/json")


async def periods(call: Call) -> object:
    """Every period of draws; its secret once it is revealed."""
    return await call.services.store.read(policy_store.periods)


async def new_period(call: Call) -> object:
    """Make a secret and commit to it; the commitment goes into the next pack."""
    wanted = await call.parsed(PeriodRequest)
    if not 1 <= len(wanted.period) <= PERIOD_LENGTH or not wanted.period.isprintable():
        raise ApiError(
            HTTPStatus.BAD_REQUEST, f"period: 1 to {PERIOD_LENGTH} characters", field="period"
        )
    try:
        return await call.services.store.write(
            policy_store.new_period,
            wanted.period,
            secrets.token_bytes(SECRET_BYTES),
            from_ms=wanted.from_ms,
            until_ms=wanted.until_ms,
            at_ms=call.services.clock.wall_ms(),
            who=call.identity.name,
        )
    except PolicyConflictError as exc:
        raise ApiError(HTTPStatus.CONFLICT, str(exc), field="period") from exc


async def reveal(call: Call) -> object:
    """Reveal the secret of a period that is over."""
    try:
        return await call.services.store.write(
            policy_store.reveal,
            call.request.path_params["period"],
            at_ms=call.services.clock.wall_ms(),
            who=call.identity.name,
        )
    except PolicyConflictError as exc:
        raise ApiError(HTTPStatus.CONFLICT, str(exc), field="period") from exc


async def audit_draws(call: Call) -> object:
    """Redo every draw of a period from the records."""
    period = call.request.path_params["period"]
    report = await call.services.store.read(draw_queries.audit, period)
    if report is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"period {period}: not known here")
    return report
