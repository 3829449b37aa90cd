"""Immutable versions of the manifest: one import, one version; uses are grouped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from central.manifest.report import ImportReport
from central.store.rows import ManifestVersionRow

FileFormat = Literal["csv", "json"]


class ManifestService:
    """Changes the manifest and tells what holds. Event loop only."""

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
        raise NotImplementedError

    async def withdraw(self, declaration_ids: Sequence[str], *, by: str) -> ImportReport:
        """Take declarations out of the manifest as one new version."""
        raise NotImplementedError

    async def head(self) -> ManifestVersionRow:
        """The newest version; version 0 with the empty digest before the first import."""
        raise NotImplementedError
