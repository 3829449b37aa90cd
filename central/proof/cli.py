"""Commands about what the hub can prove. They read hub.db; the hub may be running."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from central.api_client import ask_hub
from central.cli_options import add_place, online
from central.clock import SystemClock
from central.config import load
from central.console.safety_page import safety_html
from central.console.wording import Wording
from central.errors import CentralError
from central.printing import write_pdf
from central.proof import exit_proof, verify
from central.proof.export import export
from central.store import safety
from central.store.connection import open_read_only

if TYPE_CHECKING:
    from central.cli_options import Subparsers


def add_commands(subparsers: Subparsers) -> None:
    """Add `verify`, `dossiers` and the two commands for proofs of exit to gate-central."""
    check = subparsers.add_parser(
        "verify",
        help="check that nothing is missing and no record was altered",
        description="Walk the chain of every lane, and compare dossiers, pictures and clips with"
        " their SHA-256. What a rule of [retention] deleted is counted and not missing. Exit status"
        " 1: something is missing or altered.",
    )
    add_place(check)
    check.set_defaults(run=_verify)
    out = subparsers.add_parser(
        "dossiers",
        help="write the dossiers of a period to a folder",
        description="Write the dossiers of a period, the chained records that seal them and a"
        " SHA256SUMS; gate-agent verify and replay take the folder. What rules deleted of these"
        " passages is in DELETED.csv.",
    )
    add_place(out)
    _add_period(out, "closed")
    out.add_argument("--out", required=True, type=Path, metavar="DIR")
    out.add_argument("--pictures", action="store_true", help="the pictures, too")
    out.set_defaults(run=_dossiers)
    _add_report(subparsers)
    prove = online(
        subparsers, "exit-proof", "write the proof that an export declaration's goods left", _prove
    )
    prove.add_argument("declaration", metavar="DECLARATION", help="its id")
    prove.add_argument("--out", required=True, type=Path, metavar="FILE")
    proved = subparsers.add_parser(
        "verify-exit-proof",
        help="check a proof of exit, and that a hub holds the record it rests on",
        description="Make the facts of a proof of exit again from the sealed dossier inside it, and"
        " its link from the record; with --state, compare the record with that hub's database.",
    )
    proved.add_argument("file", type=Path, metavar="FILE")
    proved.add_argument("--state", type=Path, metavar="DIR", help="a hub's state folder")
    proved.set_defaults(run=_verify_proof)


def _add_period(parser: argparse.ArgumentParser, what: str) -> None:
    for name, meaning in (("--from", f"{what} at or after"), ("--to", f"{what} before")):
        parser.add_argument(
            name,
            dest=f"{name[2:]}_ms",
            required=True,
            type=_moment_ms,
            metavar="TIME",
            help=f"{meaning}: ISO 8601, without an offset in this machine's time zone",
        )


def _add_report(subparsers: Subparsers) -> None:
    safety = subparsers.add_parser(
        "report",
        help="write the safety report of a period",
        description="Alarms, openings without a release, faults, emergencies and what each person"
        " decided, as an HTML page; a PDF where a Chromium is there to print it.",
    )
    add_place(safety)
    _add_period(safety, "happened")
    safety.add_argument("--out", type=Path, metavar="FILE.html", help="the page")
    safety.add_argument("--pdf", type=Path, metavar="FILE.pdf", help="the same, printed")
    safety.add_argument("--json", action="store_true", help="print the report as JSON")
    safety.add_argument("--language", choices=("zh", "en"), default="zh")
    safety.set_defaults(run=_report)


def _report(args: argparse.Namespace) -> int:
    now_ms = SystemClock().wall_ms()
    span = {"from_ms": args.from_ms, "to_ms": args.to_ms, "now_ms": now_ms}
    try:
        with closing(_database(args)) as db:
            found = safety.report(db, **span)
    except sqlite3.Error as exc:
        raise CentralError(f"hub.db: {exc}") from exc
    if args.json or args.out is None:
        print(msgspec.json.encode(found).decode())
    if args.out is None:
        if args.pdf is not None:
            raise CentralError("--pdf is printed from the page: say --out FILE.html, too")
        return 0
    site = load(args.config).site if args.state is None else ""
    try:
        page = safety_html(found, Wording(args.language), site=site, now_ms=now_ms, is_file=True)
        args.out.write_text(page, encoding="utf-8")
    except OSError as exc:
        raise CentralError(f"{args.out}: {exc.strerror}") from exc
    if args.pdf is not None and (why_not := write_pdf(args.out, args.pdf)):
        raise CentralError(f"{args.pdf}: {why_not}")
    return 0


def _prove(args: argparse.Namespace) -> int:
    answer = ask_hub(args, f"/exit-proof?{urlencode({'declaration': args.declaration})}")
    proof = exit_proof.read(json.dumps(answer).encode())
    try:
        args.out.write_bytes(exit_proof.encode(proof))
    except OSError as exc:
        raise CentralError(f"{args.out}: {exc.strerror}") from exc
    print(f"{args.out}: {_said(proof)}")
    return 0


def _verify_proof(args: argparse.Namespace) -> int:
    try:
        proof = exit_proof.read(args.file.read_bytes()[: exit_proof.MAX_BYTES])
    except OSError as exc:
        raise CentralError(f"{args.file}: {exc.strerror}") from exc
    exit_proof.check(proof)
    if args.state is None:
        print(f"{args.file}: {_said(proof)}: holds in itself; compared with no hub (--state)")
        return 0
    try:
        with closing(open_read_only(args.state / "hub.db")) as db:
            exit_proof.compare(db, proof)
    except sqlite3.Error as exc:
        raise CentralError(f"hub.db: {exc}") from exc
    print(f"{args.file}: {_said(proof)}: holds, and this hub has its record")
    return 0


def _said(proof: exit_proof.ExitProof) -> str:
    left = datetime.fromtimestamp(proof.facts.left_at_ms / 1000, tz=UTC).isoformat()
    return f"{proof.facts.declaration_id} left by {proof.facts.lane} at {left}"


def _moment_ms(text: str) -> int:
    try:
        return round(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is not an ISO 8601 time") from None


def _database(args: argparse.Namespace) -> sqlite3.Connection:
    path: Path = load(args.config).database if args.state is None else args.state / "hub.db"
    return open_read_only(path)


def _verify(args: argparse.Namespace) -> int:
    is_whole = True
    try:
        with closing(_database(args)) as db:
            for proof in verify.chains(db):
                is_whole = is_whole and proof.is_whole
                print(proof)
                for flaw in proof.flaws:
                    print(f"  {flaw}")
            for complaint in verify.contents(db):
                is_whole = False
                print(f"gate-central: {complaint}", file=sys.stderr)
            print(verify.absences(db))
    except sqlite3.Error as exc:
        raise CentralError(f"hub.db: {exc}") from exc
    return 0 if is_whole else 1


def _dossiers(args: argparse.Namespace) -> int:
    try:
        with closing(_database(args)) as db:
            done = export(
                db, args.out, from_ms=args.from_ms, to_ms=args.to_ms, with_pictures=args.pictures
            )
    except sqlite3.Error as exc:
        raise CentralError(f"hub.db: {exc}") from exc
    print(
        f"{args.out}: {done.dossiers} dossiers, {done.records} records, {done.pictures} pictures;"
        f" {done.deleted} pictures and clips deleted by rule"
    )
    return 0
