"""A run in several sittings: what was played in one is taken over into the next.

Only of the same commit, bench file and lane file. What failed stays failed: only a new run of all
is without it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from hil_tests.lane_bench.account import Account
from hil_tests.lane_bench.pool import BrokenBench

if TYPE_CHECKING:
    from pathlib import Path

    from hil_tests.lane_bench.bench_file import BenchFile

HEAD = "of"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file of accounts: what they are of."""

    commit: str
    bench: str  # SHA-256 of the bench file, and of its lane file behind it


def head_of(path: Path, bench: BenchFile, commit: str) -> Head:
    """The head of the accounts of this bench at this commit. Raises `OSError`."""
    content = path.read_bytes()
    if bench.lane_file:
        content += (path.parent / bench.lane_file).read_bytes()
    return Head(commit=commit, bench=hashlib.sha256(content).hexdigest())


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Every whole line of a file of accounts. Raises `OSError`.

    A run that was killed may have left the beginning of another.
    """
    lines: list[dict[str, Any]] = list(
        map(msgspec.json.decode, path.read_bytes().split(b"\n")[:-1])
    )
    return lines


def taken_over(path: Path, head: Head) -> list[Account]:
    """What was played in the sitting that left this file. Raises `BrokenBench`."""
    if head.commit == "unknown" or head.commit.endswith("-dirty"):
        raise BrokenBench(
            f"{path} cannot be continued: of commit {head.commit}: which program that is nobody can"
            " say"
        )
    try:
        lines = lines_of(path)
        first = msgspec.convert(lines[0][HEAD], Head)
        found = [msgspec.convert(line, Account) for line in lines[1:] if "scenario" in line]
    except (OSError, LookupError, msgspec.MsgspecError) as exc:
        raise BrokenBench(f"{path} cannot be continued: {exc}") from exc
    if first.commit != head.commit:
        raise BrokenBench(f"{path} is of commit {first.commit}, and this is {head.commit}")
    if first.bench != head.bench:
        raise BrokenBench(f"{path} is of another bench: its file, or its lane file, has changed")
    return [account for account in found if account.skipped is None]
