"""Immutable versions of the manifest: one import, one version; uses are grouped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

import structlog

from central.clock import Clock
from central.errors import ManifestError, StoreError
from central.manifest import importer
from central.manifest.report import ImportReport, RowProblem
from central.store import manifest_queries, manifest_store
from central.store.connection import Store
from central.store.manifest_store import Applied, Author
from central.store.rows import ManifestVersionRow

FileFormat = Literal["csv", "json"]
USES_GROUPED_S = 0.5  # at most one version per this time for used-up declarations

_NOTHING_WITHDRAWN = RowProblem(
    line=0,
    field="",
    reason="nothing was withdrawn: a file with refused rows does not say what is to stay",
)

log = structlog.get_logger()


class ManifestService:
    """Changes the manifest and tells what holds. Event loop only."""

    def __init__(self, *, store: Store, clock: Clock, changed: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._changed = changed
        self._uses_waiting = asyncio.Event()
        self._uses_waiting.set()  # what was left by a hub that was stopped

    async def import_file(
        self,
        content: bytes,
        file_format: FileFormat,
        *,
        by: str,
        source: str,
        replace: bool = False,
    ) -> ImportReport:
        """Take the good rows of a file as one new version; `replace` withdraws what it lacks.

        Raises `ManifestError` for a file that cannot be read at all, `StoreError`.
        """
        parsed = await asyncio.to_thread(importer.parse, content, file_format)
        if replace and not parsed.rows and not parsed.problems:
            raise ManifestError("no declaration in the file: replacing would withdraw everything")
        applied = await self._store.write(
            manifest_store.apply_import,
            [imported.row for imported in parsed.rows],
            Author(at_ms=self._clock.wall_ms(), who=by, source=source),
            # A file with refused rows does not say what is to stay.
            replace=replace and not parsed.problems,
            opens={name: at for one in parsed.rows for name, at in one.opens.items()},
        )
        self._changed()
        problems = [
            *parsed.problems,
            *(
                RowProblem(line=parsed.rows[one.index].line, field=one.field, reason=one.reason)
                for one in applied.refused
            ),
        ]
        if replace and parsed.problems:
            problems.append(_NOTHING_WITHDRAWN)
        return _report(applied, problems)

    async def withdraw(self, declaration_ids: Sequence[str], *, by: str) -> ImportReport:
        """Take declarations out of the manifest as one new version. Raises `StoreError`."""
        author = Author(at_ms=self._clock.wall_ms(), who=by)
        applied = await self._store.write(manifest_store.withdraw, declaration_ids, author)
        self._changed()
        return _report(applied, ())

    async def close_account(self, account_id: str, *, by: str, number: str, reason: str) -> None:
        """End the period of a list, permit or book. Raises `AccountError`, `StoreError`."""
        author = Author(at_ms=self._clock.wall_ms(), who=by)
        await self._store.write(
            manifest_store.close_account, account_id, author, number=number, reason=reason
        )
        self._changed()

    async def head(self) -> ManifestVersionRow:
        """The newest version; version 0 with the empty digest before the first import."""
        return await self._store.read(manifest_queries.head)

    def uses_may_wait(self) -> None:
        """Records were stored: a release may have used a declaration up."""
        self._uses_waiting.set()

    async def run(self) -> None:
        """Turn uses into versions, until cancelled."""
        while True:
            await self._uses_waiting.wait()
            self._uses_waiting.clear()
            try:
                await self._apply_uses()
            except StoreError as exc:
                log.warning("uses_not_marked", error=str(exc))
                self._uses_waiting.set()
            await asyncio.sleep(USES_GROUPED_S)

    async def _apply_uses(self) -> None:
        if await self._store.read(manifest_store.any_uses_waiting):
            author = Author(at_ms=self._clock.wall_ms(), who="hub")
            await self._store.write(manifest_store.apply_uses, author)
            self._changed()


def _report(applied: Applied, problems: Sequence[RowProblem]) -> ImportReport:
    return ImportReport(
        version=applied.version,
        accepted=applied.accepted,
        changed=applied.changed,
        withdrawn=applied.withdrawn,
        refused=tuple(sorted(problems, key=lambda problem: problem.line)),
    )
