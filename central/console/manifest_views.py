"""The manifest: what holds, import with its report, search."""

from __future__ import annotations

import sqlite3
from http import HTTPStatus
from typing import Final, Literal

from starlette.datastructures import UploadFile
from starlette.responses import Response

from central.auth.roles import Role
from central.console import fragments as live
from central.console.rendering import Visit, page
from central.errors import ManifestError
from central.manifest.report import ImportReport
from central.store import manifest_queries
from gate_agent.domain.matching import normalize_card, normalize_plate
from gate_agent.wire.v1 import DeclarationRow

MAX_IMPORT_MB: Final = 64
_SHOWN_VERSIONS: Final = 15


async def manifest(visit: Visit) -> Response:
    """What holds, and a search."""
    return await _manifest_page(visit)


async def import_file(visit: Visit) -> Response:
    """Import an uploaded file; the report is the answer.

    Not a 303: a reload that sends the file again changes nothing, its rows already hold.
    """
    async with visit.request.form(max_files=1, max_fields=5) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return await _refused(visit, visit.wording.label("manifest.no_file"))
        name = file.filename[:200]
        content = await file.read(MAX_IMPORT_MB * 1024 * 1024 + 1)
    if len(content) > MAX_IMPORT_MB * 1024 * 1024:
        return await _refused(
            visit, visit.wording.label("manifest.too_large", limit_mb=MAX_IMPORT_MB)
        )
    file_format: Literal["csv", "json"] = "json" if name.lower().endswith(".json") else "csv"
    try:
        report = await visit.services.manifest.import_file(
            content, file_format, by=visit.identity.name, source=name
        )
    except ManifestError as exc:
        return await _refused(visit, f"{visit.wording.label('manifest.nothing')}: {exc}")
    return await _manifest_page(visit, report=report)


async def _refused(visit: Visit, error: str) -> Response:
    return await _manifest_page(visit, error=error, status=HTTPStatus.UNPROCESSABLE_ENTITY)


async def _manifest_page(
    visit: Visit,
    *,
    report: ImportReport | None = None,
    error: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    store = visit.services.store
    query = visit.request.query_params.get("q", "").strip()
    return page(
        visit,
        "manifest.html",
        section="manifest",
        title=visit.wording.label("title.manifest"),
        fragments=await live.lane_versions(visit, "") | await live.navigation(visit),
        live=None if report or error else "manifest",
        status=status,
        head=await store.read(manifest_queries.head),
        versions=await store.read(manifest_queries.versions, limit=_SHOWN_VERSIONS),
        query=query,
        results=await store.read(_search, query) if query else (),
        report=report,
        error=error,
        may_import=visit.identity.may(Role.ADMINISTRATOR),
    )


def _search(db: sqlite3.Connection, query: str) -> tuple[DeclarationRow, ...]:
    """Declarations whose id, plate or card is what was typed."""
    exact = manifest_queries.declaration(db, query)
    found = {
        row.declaration_id: row
        for row in (
            *((exact,) if exact else ()),
            *manifest_queries.by_plate(db, normalize_plate(query)),
            *manifest_queries.by_card(db, normalize_card(query)),
        )
    }
    return tuple(found.values())
