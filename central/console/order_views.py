"""The forms that order something: decisions, lane commands, alarms. Each answers 303."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, cast

from starlette.datastructures import FormData
from starlette.responses import Response

from central.console import forms
from central.console.access_views import see_other
from central.console.rendering import Visit
from central.console.views import held_page, lane_page, passage_page, trouble
from central.errors import CommandStale
from central.hub.commands import ModeName
from central.store import audit, hub_store
from central.store.keeping import KeepError
from central.store.rows import CommandRow, Keeping
from gate_agent.wire.v1 import DecisionName

_DECISIONS: Final = ("release", "inspect", "refuse")
_EVACUATIONS: Final = ("evacuate", "end_evacuation")
_MODES: Final = ("auto", "attended", "emergency", "closed")


async def decide(visit: Visit) -> Response:
    """Order a decision about one held vehicle, if the lane's verdict is the one that was seen."""
    passage_id = visit.request.path_params["passage_id"]
    form = await visit.request.form()
    try:
        decision = forms.chosen(form, "decision", _DECISIONS)
        reason = forms.reason(form, visit.wording)
        await _check_seen(visit, passage_id, forms.text_field(form, "seen"))
        await visit.services.commands.override(
            passage_id,
            cast("DecisionName", decision),
            by=visit.identity.name,
            reason=reason,
            slip=forms.text_field(form, "slip")[: forms.MAX_SLIP],
        )
    except forms.FormError as exc:
        error = visit.wording.label(exc.label, **exc.values)
        return await held_page(visit, passage_id, error=error, status=HTTPStatus.BAD_REQUEST)
    except CommandStale as exc:
        return await held_page(
            visit, passage_id, error=_stale(visit, exc), status=HTTPStatus.CONFLICT
        )
    return see_other(f"/held/{passage_id}")


async def _check_seen(visit: Visit, passage_id: str, seen: str) -> None:
    """A lane may decide anew while somebody looks: that decision was made about another verdict."""
    found = await visit.services.store.read(hub_store.passage, passage_id)
    if found is not None and str(found.summary.decided_at_ms or "") != seen:
        raise forms.FormError("stale.changed")


async def set_mode(visit: Visit) -> Response:
    """Order a lane's mode."""

    def order(lane_id: str, form: FormData) -> Awaitable[CommandRow]:
        mode = cast("ModeName", forms.chosen(form, "mode", _MODES))
        reason = forms.reason(form, visit.wording)
        kind = forms.text_field(form, "kind") if mode == "emergency" else ""
        return visit.services.commands.set_mode(
            lane_id, mode, by=visit.identity.name, reason=reason, kind=kind
        )

    return await _order_lane(visit, order)


async def lower_barrier(visit: Visit) -> Response:
    """Order down a boom that was left open."""

    def order(lane_id: str, form: FormData) -> Awaitable[CommandRow]:
        reason = forms.reason(form, visit.wording)
        return visit.services.commands.lower_barrier(lane_id, by=visit.identity.name, reason=reason)

    return await _order_lane(visit, order)


async def evacuate(visit: Visit) -> Response:
    """Order the boom up and kept open, or end that."""

    def order(lane_id: str, form: FormData) -> Awaitable[CommandRow]:
        orders = visit.services.commands
        deed = forms.chosen(form, "deed", _EVACUATIONS)
        give = orders.evacuate if deed == "evacuate" else orders.end_evacuation
        return give(lane_id, by=visit.identity.name, reason=forms.reason(form, visit.wording))

    return await _order_lane(visit, order)


async def _order_lane(
    visit: Visit, order: Callable[[str, FormData], Awaitable[CommandRow]]
) -> Response:
    """Give a lane the order that its form asks for, or show its page with what is wrong."""
    lane_id = visit.request.path_params["lane"]
    form = await visit.request.form()
    try:
        await order(lane_id, form)
    except (forms.FormError, CommandStale) as exc:
        return await _lane_refusal(visit, lane_id, exc)
    return see_other(f"/lanes/{lane_id}")


async def fetch_clip(visit: Visit) -> Response:
    """Ask a lane for the clip of a passage."""
    passage_id = visit.request.path_params["passage_id"]
    try:
        await visit.services.clips.ask(passage_id, by=visit.identity.name)
    except CommandStale as exc:
        return await trouble(visit, HTTPStatus.NOT_FOUND, _stale(visit, exc))
    return see_other(f"/passages/{passage_id}#clip")


async def keep(visit: Visit) -> Response:
    """Keep the pictures and the clip of a passage, with a reason."""
    return await _word(visit, visit.services.retention.keep)


async def end_keep(visit: Visit) -> Response:
    """Let the rules have them again, with a reason."""
    return await _word(visit, visit.services.retention.end_keep)


async def _word(visit: Visit, say: Callable[..., Awaitable[Keeping]]) -> Response:
    passage_id = visit.request.path_params["passage_id"]
    form = await visit.request.form()
    try:
        await say(passage_id, by=visit.identity.name, reason=forms.reason(form, visit.wording))
    except forms.FormError as exc:
        error = visit.wording.label(exc.label, **exc.values)
        return await passage_page(visit, passage_id, error=error, status=HTTPStatus.BAD_REQUEST)
    except KeepError:  # somebody was faster: the page shows who
        error = visit.wording.label("keeping.changed")
        return await passage_page(visit, passage_id, error=error, status=HTTPStatus.CONFLICT)
    return see_other(f"/passages/{passage_id}#keep")


async def acknowledge_alarm(visit: Visit) -> Response:
    """Note that a person has seen an alarm; a second acknowledgement changes nothing."""
    await visit.services.store.write(
        audit.acknowledge_alarm,
        visit.request.path_params["alarm_id"],
        at_ms=visit.services.clock.wall_ms(),
        who=visit.identity.name,
    )
    visit.services.changes.announce()
    return see_other("/log")


async def _lane_refusal(
    visit: Visit, lane_id: str, exc: forms.FormError | CommandStale
) -> Response:
    if isinstance(exc, CommandStale):
        error, status = _stale(visit, exc), HTTPStatus.CONFLICT
    else:
        error, status = visit.wording.label(exc.label, **exc.values), HTTPStatus.BAD_REQUEST
    return await lane_page(visit, lane_id, error=error, status=status)


def _stale(visit: Visit, exc: CommandStale) -> str:
    return visit.wording.label(f"stale.{exc.reason.value}", by=exc.by or "—")
