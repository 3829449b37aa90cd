"""A dossier or a clip for a browser or a program."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from central.proof.export import file_name


def dossier_file(passage_id: str, content: bytes) -> Response:
    """The canonical bytes as a file named after the passage; they never change."""
    return _file(content, "application/json", file_name(passage_id))


def clip_file(clip_id: str, content: bytes) -> Response:
    """A clip as a file named by its SHA-256; it never changes."""
    return _file(content, "video/x-msvideo", f"{clip_id}.avi")


def csv_file(name: str, content: bytes) -> Response:
    """A table for an office, as it stands now."""
    response = _file(content, "text/csv; charset=utf-8", quote(name, safe="-_. "))
    response.headers["Cache-Control"] = "no-store"
    return response


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, max-age=3600, immutable",
        },
    )
