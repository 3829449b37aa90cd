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

from central.api_client import ask_hub
from central.cli_options import add_place, online
from central.config import load
from central.errors import CentralError
from central.proof import exit_proof, verify
from central.proof.export import export
from central.store.connection import open_read_only

if TYPE_CHECKING:
    from central.cli_options import Subparsers


def add_commands(subparsers: Subparsers) -> None:
    """Add `verify`, `dossiers` and the two commands for proofs of exit to gate-central."""
    check = subparsers.add_parser(
        "verify",
        help="check that nothing is missing and no record was altered",
        description="Walk the chain of every lane, and compare dossiers, pictures and clips with"
        " their SHA-256. Exit status 1: something is missing or altered.",
    )
    add_place(check)
    check.set_defaults(run=_verify)
    out = subparsers.add_parser(
        "dossiers",
        help="write the dossiers of a period to a folder",
        description="Write the dossiers of a period, the chained records that seal them and a"
        " SHA256SUMS; gate-agent verify and replay take the folder.",
    )
    add_place(out)
    for name, meaning in (("--from", "closed at or after"), ("--to", "closed before")):
        out.add_argument(
            name,
            dest=f"{name[2:]}_ms",
            required=True,
            type=_moment_ms,
            metavar="TIME",
            help=f"{meaning}: ISO 8601, without an offset in this machine's time zone",
        )
    out.add_argument("--out", required=True, type=Path, metavar="DIR")
    out.add_argument("--pictures", action="store_true", help="the pictures, too")
    out.set_defaults(run=_dossiers)
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
    print(f"{args.out}: {done.dossiers} dossiers, {done.records} records, {done.pictures} pictures")
    return 0
