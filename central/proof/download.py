"""A dossier for a browser or a program."""

from __future__ import annotations

from starlette.responses import Response

from central.proof.export import file_name


def dossier_file(passage_id: str, content: bytes) -> Response:
    """The canonical bytes as a file named after the passage; they never change."""
    return Response(
        content,
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="{file_name(passage_id)}"',
            "Cache-Control": "private, max-age=3600, immutable",
        },
    )
