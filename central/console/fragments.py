"""What each live view shows: fragments by name, for the page and for the stream alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from markupsafe import Markup

from central.api.answers import LaneAnswer
from central.api.lane_answers import lane_answer, lane_pairs
from central.auth.roles import Role
from central.console.comparison import compare
from central.console.nearest import nearest
from central.console.rendering import Fragments, Visit, render
from central.hub.lanes import PresenceState
from central.store import clip_store, console_queries, hub_store, manifest_queries
from central.store.queue import ranked
from central.store.rows import (
    ClipRow,
    CommandKind,
    CommandRow,
    CommandState,
    PassageDetail,
    PassageFilter,
)
from gate_agent.domain.reasons import OUTCOME_OF, Reason
from gate_agent.domain.vocabulary import Mode, Outcome

REASON_CODES = (
    "direct_release",
    "papers_to_follow",
    "papers_on_site",
    "inspection_ordered",
    "slip",
    "papers_checked",
    "plate_checked",
    "driver_checked",
    "reweighed",
    "equipment",
    "instructed",
    "weight_unexplained",
    "identity_unclear",
    "agency_request",
    "not_declared",
    "wrong_lane",
    "driver_withdrew",
)
INSPECT_CODES = frozenset(
    reason.value for reason, outcome in OUTCOME_OF.items() if outcome is Outcome.INSPECT
)
DecisionStanding = Literal["open", "pending", "overridden", "closed", "not_held"]


class NotShown(Exception):
    """What a live view is about does not exist. The text is the subject."""


async def navigation(visit: Visit) -> Fragments:
    """The counts in the top bar: vehicles that wait, alarms that nobody has seen."""
    store = visit.services.store
    if visit.identity.scope is not None:
        return {"waiting": "", "alarms": ""}  # they count the whole port
    waiting = len(await store.read(hub_store.held))
    open_alarms = await store.read(console_queries.open_alarm_count)
    return {
        "waiting": render("_waiting.html", visit.wording, waiting=waiting),
        "alarms": render("_alarm_count.html", visit.wording, open_alarms=open_alarms),
    }


async def lanes(visit: Visit, _subject: str) -> Fragments:
    """Every lane as a tile."""
    head = await visit.services.store.read(manifest_queries.head)
    return {
        "tiles": render(
            "_tiles.html",
            visit.wording,
            lanes=await all_lanes(visit),
            manifest_version=head.version,
        )
    }


async def all_lanes(visit: Visit) -> list[LaneAnswer]:
    """Every lane as it is now."""
    return [lane_answer(*pair) for pair in await lane_pairs(visit.services)]


async def lane_versions(visit: Visit, _subject: str) -> Fragments:
    """Which manifest version each lane holds."""
    head = await visit.services.store.read(manifest_queries.head)
    return {
        "lane_versions": render(
            "_lane_versions.html",
            visit.wording,
            lanes=await all_lanes(visit),
            manifest_version=head.version,
        )
    }


async def lane(visit: Visit, subject: str) -> Fragments:
    """One lane: its tile, recent orders, recent passages. Raises `NotShown`."""
    store = visit.services.store
    pairs = await lane_pairs(visit.services)
    found = next((pair for pair in pairs if pair[0].lane == subject), None)
    if found is None:
        raise NotShown(subject)
    head = await store.read(manifest_queries.head)
    orders = await store.read(hub_store.commands_of_lane, subject, limit=8)
    recent = await store.read(hub_store.passages, PassageFilter(lane=subject, limit=12))
    now_ms = visit.services.clock.wall_ms()
    return {
        "tile": render(
            "_lane_tile.html",
            visit.wording,
            lane=lane_answer(*found),
            records=found[1],
            manifest_version=head.version,
        ),
        "orders": render("_orders.html", visit.wording, orders=orders, now_ms=now_ms),
        "recent": render("_recent.html", visit.wording, passages=recent),
    }


async def held(visit: Visit, _subject: str) -> Fragments:
    """The vehicles that wait for a person, by risk times waiting time."""
    store, now_ms = visit.services.store, visit.services.clock.wall_ms()
    queue = [
        {
            "passage": entry.passage,
            "pending": entry.pending,
            "risk": entry.risk,
            "waiting_s": _waiting_s(entry.passage.decided_received_ms, now_ms),
            "picture_id": await store.read(console_queries.first_picture, entry.passage.passage_id),
            "is_lost": await store.read(console_queries.is_picture_lost, entry.passage.passage_id),
        }
        for entry in ranked(await store.read(hub_store.held), now_ms)
    ]
    return {"queue": render("_queue.html", visit.wording, queue=queue, now_ms=now_ms)}


async def vehicle(visit: Visit, subject: str) -> Fragments:
    """One held vehicle: evidence, doubts, the decision and what became of it."""
    detail = await visit.services.store.read(hub_store.passage, subject)
    if detail is None:
        raise NotShown(subject)
    now_ms = visit.services.clock.wall_ms()
    standing, pending = decision_standing(detail)
    waits = standing in {"open", "pending"}
    return {
        "vehicle": render(
            "_vehicle.html",
            visit.wording,
            passage=detail.summary,
            waiting_s=_waiting_s(detail.summary.decided_received_ms, now_ms) if waits else None,
        ),
        "evidence": await evidence(visit, detail),
        "doubts": doubts(visit, detail),
        "decision": render(
            "_decision.html",
            visit.wording,
            passage=detail.summary,
            standing=standing,
            pending=pending,
            override_reason=detail.override_reason,
            may_decide=visit.may_decide,
            reason_codes=REASON_CODES,
            needs_slip=_is_emergency(visit, detail),
            emergency=_emergency_kind(visit, detail),
        ),
        "orders": render(
            "_passage_orders.html",
            visit.wording,
            orders=detail.commands,
            standing=standing,
            now_ms=now_ms,
        ),
    }


def doubts(visit: Visit, detail: PassageDetail) -> str:
    """Why it was not released, what to do next, where to and who is told."""
    return render(
        "_doubts.html",
        visit.wording,
        passage=detail.summary,
        more=detail.more,
        inspect_codes=INSPECT_CODES,
    )


async def evidence(visit: Visit, detail: PassageDetail) -> str:
    """Pictures and the comparison; the nearest declarations where none matched."""
    found = detail.evidence
    comparison = near = None
    if found is not None:
        comparison = compare(found, detail.declaration, detail.summary.reasons)
        if detail.declaration is None and visit.identity.scope is None:
            near = await visit.services.store.read(nearest, found)
    return render(
        "_evidence.html",
        visit.wording,
        passage=detail.summary,
        pictures=detail.pictures,
        evidence=found,
        declaration=detail.declaration,
        comparison=comparison,
        nearest=near,
        manifest_version=detail.manifest_version,
    )


async def passage_clip(visit: Visit, subject: str) -> Fragments:
    """How the clip of a passage stands. Raises `NotShown`."""
    found = await visit.services.store.read(clip_store.clip_of, subject)
    if found is None:
        raise NotShown(subject)
    return {"clip": clip(visit, subject, found)}


def clip(visit: Visit, passage_id: str, found: ClipRow) -> str:
    """Where the clip is, and the button that fetches it."""
    presence = visit.services.lanes.one(found.lane)
    return render(
        "_clip.html",
        visit.wording,
        passage_id=passage_id,
        clip=found,
        is_lane_here=presence is not None and presence.state is PresenceState.ONLINE,
        may_decide=visit.may_decide,
    )


def keeping(visit: Visit, detail: PassageDetail, error: str) -> str:
    """How long pictures and clip stay, who keeps them, and the words that change it."""
    return render(
        "_keeping.html",
        visit.wording,
        passage_id=detail.summary.passage_id,
        keeping=detail.keeping,
        has_clip=detail.clip is not None,
        rules=visit.services.config.retention,
        error=error,
        may_decide=visit.may_decide,
        may_end=visit.identity.may(Role.ADMINISTRATOR),
    )


def _is_emergency(visit: Visit, detail: PassageDetail) -> bool:
    """Whether the lane releases on numbered slips only, as far as the hub has heard."""
    presence = visit.services.lanes.one(detail.summary.lane)
    health = presence.health if presence else None
    is_so_now = health is not None and health.mode == Mode.EMERGENCY.value
    return is_so_now or Reason.LANE_EMERGENCY.value in detail.summary.reasons


def _emergency_kind(visit: Visit, detail: PassageDetail) -> str:
    """Which kind of emergency the lane is in, as far as the hub has heard; "": none."""
    presence = visit.services.lanes.one(detail.summary.lane)
    return presence.health.emergency if presence and presence.health else ""


def decision_standing(detail: PassageDetail) -> tuple[DecisionStanding, CommandRow | None]:
    """Whether a person may decide now, and the decision that is on its way if there is one."""
    summary = detail.summary
    pending = next(
        (
            order
            for order in detail.commands
            if order.kind is CommandKind.OVERRIDE and order.state is CommandState.PENDING
        ),
        None,
    )
    if summary.override_decision is not None:
        return "overridden", None
    if summary.closed_at_ms is not None:
        return "closed", None
    if pending is not None:
        return "pending", pending
    return ("open" if summary.verdict in {"hold", "inspect"} else "not_held"), None


def _waiting_s(since_ms: int | None, now_ms: int) -> float | None:
    return None if since_ms is None else (now_ms - since_ms) / 1000


def safe(html: str) -> Markup:
    """HTML that a template of ours made, for use inside another."""
    return Markup(html)  # noqa: S704 - every template escapes


async def nothing(_visit: Visit, _subject: str) -> Fragments:
    """A page whose only live part is the top bar."""
    return {}


VIEWS: dict[str, Callable[[Visit, str], Awaitable[Fragments]]] = {
    "lanes": lanes,
    "lane": lane,
    "held": held,
    "vehicle": vehicle,
    "clip": passage_clip,
    "manifest": lane_versions,
    "none": nothing,
}
