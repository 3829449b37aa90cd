"""Two pages that only show: the rules that hold, and declarations that were used twice."""

from __future__ import annotations

from starlette.responses import Response

from central.api.policy_operations import pack_answers
from central.console import fragments as live
from central.console.rendering import Visit, page
from central.store import conflict_queries

SHOWN = 100


async def rules(visit: Visit) -> Response:
    """Every pack: version, owner, dates, hash, and which one is in force."""
    return page(
        visit,
        "rules.html",
        section="rules",
        title=visit.wording.label("title.rules"),
        fragments=await live.navigation(visit),
        packs=await pack_answers(visit.services),
        now_ms=visit.services.clock.wall_ms(),
    )


async def conflicts(visit: Visit) -> Response:
    """Every declaration that went out twice, with both vehicles side by side."""
    return page(
        visit,
        "conflicts.html",
        section="conflicts",
        title=visit.wording.label("title.conflicts"),
        fragments=await live.navigation(visit),
        conflicts=await visit.services.store.read(conflict_queries.conflicts, limit=SHOWN),
    )
