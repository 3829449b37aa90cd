"""A file of declared plates, one to a line."""

from __future__ import annotations

from pathlib import Path

from models.lpr.plates import normalize_plate

_LENGTHS = range(3, 13)


class DeclaredError(ValueError):
    """A file of plates that cannot be used: names the file, and the line where there is one."""


def read_declared(path: Path) -> list[str]:
    """The plates, normalized, in their order; empty lines and lines that begin with # are skipped.

    Raises:
        DeclaredError: no such file, not UTF-8, no plate in it, or a line that is no plate.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as exc:
        raise DeclaredError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise DeclaredError(f"{path}: not UTF-8 at byte {exc.start}") from exc
    plates = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        plain = normalize_plate(line)
        if len(plain) not in _LENGTHS or not plain.isalnum():
            raise DeclaredError(f"{path}:{number}: {line.strip()[:40]!r} is not a plate")
        plates.append(plain)
    if not plates:
        raise DeclaredError(f"{path}: no plate in it")
    return plates
