"""What an import says to the person who made it. PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """Why one row, or one field of it, was not taken. `line` counts from 1 as an editor does.

    In JSON, `line` is the number of the array element, from 1. `field` is '' for the whole row.
    """

    line: int
    field: str
    reason: str  # English, lower case, with the offending value


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file."""

    version: int  # the manifest version that now holds; the old one if nothing changed
    accepted: int  # rows that are now in the manifest as the file says
    changed: int  # of those, rows that were new or different
    withdrawn: int  # declarations removed because a replacing file did not name them
    refused: tuple[RowProblem, ...]
