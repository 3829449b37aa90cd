"""The proof that the goods of an export declaration left: for a tax refund, one a declaration.

A file that stands for itself: the facts, and the lane's own record that sealed the passage with its
links in the lane's chain. Whoever has the file makes the facts again from the sealed dossier inside
it, and the link from the record; the hub, or any copy of the lane's chain, says whether it is the
one that it holds.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from central.errors import CentralError
from central.proof.export import ExportError, content_of
from gate_agent.wire import chain

FORMAT = "kakou-exit-proof-1"
MAX_BYTES = 32_000_000


class ExitProofError(CentralError):
    """There is no such proof, or it does not hold; the text says why."""


class ExitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the dossier says. Times are UTC epoch milliseconds by the lane's clock."""

    declaration_id: str
    office: str
    plates_declared: tuple[str, ...]
    containers: tuple[str, ...]
    gross_kg_declared: int
    passage_id: str
    lane: str
    plate_read: str | None
    card_uid: str | None
    gross_kg: int | None  # as weighed; None: a person released it without a weight
    weight_within_kg: int | None  # 0: settled
    arrived_at_ms: int
    left_at_ms: int
    decided_by: str  # "lane", or who released it
    pictures: tuple[str, ...]  # SHA-256
    policies: tuple[str, ...]
    is_whole: bool  # False: the lane could not keep everything of this passage


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """The record that sealed the passage, and where it hangs in its lane's chain."""

    epoch: str
    seq: int
    at_ms: int
    previous: str  # the link before it
    link: str
    dossier_sha256: str
    record: str  # its body, byte for byte


class ExitProof(msgspec.Struct, frozen=True, kw_only=True):
    """One proof of exit."""

    format: str
    site: str
    facts: ExitFacts
    seal: Seal


_decoder = msgspec.json.Decoder(ExitProof)
_ROWS = (
    "SELECT r.lane, r.epoch, r.seq, r.at_ms, r.chain, r.body, b.chain FROM records r"
    " LEFT JOIN records b ON b.lane = r.lane AND b.epoch = r.epoch AND b.seq = r.seq - 1"
)


def prove(db: sqlite3.Connection, declaration_id: str, *, site: str) -> ExitProof:
    """The proof for a declaration. Raises `ExitProofError`, also where two passages used it."""
    passages = [
        row[0]
        for row in db.execute(
            "SELECT passage_id FROM passages WHERE declaration_id = ? AND outcome = 'release'"
            " AND left_by = 'exit' ORDER BY closed_at_ms",
            [declaration_id],
        )
    ]
    if not passages:
        raise ExitProofError(f"declaration {declaration_id}: nobody left on it by release")
    if len(passages) > 1:
        raise ExitProofError(
            f"declaration {declaration_id}: {len(passages)} vehicles left on it"
            f" ({', '.join(passages)}): settle the conflict first"
        )
    row = db.execute(
        f"{_ROWS} WHERE r.passage_id = ? AND r.type = 'passage_sealed'", passages
    ).fetchone()
    if row is None or row[4] is None:
        raise ExitProofError(f"passage {passages[0]}: no sealed dossier is here")
    lane, epoch, seq, at_ms, link, body, previous = row
    try:
        content = content_of(passages[0], body)
    except ExportError as exc:
        raise ExitProofError(str(exc)) from exc
    seal = Seal(
        epoch=epoch,
        seq=seq,
        at_ms=at_ms,
        previous=previous or chain.START,
        link=link,
        dossier_sha256=_sha256(body),
        record=bytes(body).decode(),
    )
    proof = ExitProof(format=FORMAT, site=site, facts=_facts(content, lane), seal=seal)
    if proof.facts.declaration_id != declaration_id:
        raise ExitProofError(f"passage {passages[0]}: its dossier is of another declaration")
    check(proof)
    return proof


def encode(proof: ExitProof) -> bytes:
    """The proof as a file."""
    return msgspec.json.format(msgspec.json.encode(proof), indent=1) + b"\n"


def read(content: bytes) -> ExitProof:
    """A proof from its file. Raises `ExitProofError`."""
    try:
        proof = _decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise ExitProofError(f"not a proof of exit: {exc}") from exc
    if proof.format != FORMAT:
        raise ExitProofError(f"format {proof.format!r}, not {FORMAT!r}")
    return proof


def check(proof: ExitProof) -> None:
    """Make facts and link again from the record inside. Raises `ExitProofError`."""
    facts, seal = proof.facts, proof.seal
    body = seal.record.encode()
    try:
        content = content_of(facts.passage_id, body)
    except ExportError as exc:
        raise ExitProofError(str(exc)) from exc
    made = chain.link(
        seal.previous, lane=facts.lane, epoch=seal.epoch, seq=seal.seq, at_ms=seal.at_ms, body=body
    )
    if made != seal.link:
        raise ExitProofError(f"record {seal.seq} of lane {facts.lane} does not fit its link")
    if _sha256(body) != seal.dossier_sha256:
        raise ExitProofError("the dossier is not the one that is named")
    again = _facts(content, facts.lane)
    for name in ExitFacts.__struct_fields__:
        if getattr(again, name) != getattr(facts, name):
            raise ExitProofError(f"{name}: the dossier says {getattr(again, name)!r}")


def compare(db: sqlite3.Connection, proof: ExitProof) -> None:
    """Whether this hub holds that very record. Raises `ExitProofError`."""
    seal, lane = proof.seal, proof.facts.lane
    row = db.execute(
        f"{_ROWS} WHERE r.lane = ? AND r.epoch = ? AND r.seq = ?", [lane, seal.epoch, seal.seq]
    ).fetchone()
    if row is None:
        raise ExitProofError(f"this hub has no record {seal.seq} of lane {lane} ({seal.epoch})")
    if (row[4], bytes(row[5])) != (seal.link, seal.record.encode()):
        raise ExitProofError(f"this hub holds another record {seal.seq} of lane {lane}")


def _sha256(body: bytes) -> str:
    return str(msgspec.json.decode(body)["sha256"])


def _facts(content: bytes, lane: str) -> ExitFacts:
    """What a dossier says of an export. Raises `ExitProofError`: none, or it did not leave."""
    whole: dict[str, Any] = msgspec.json.decode(content)
    try:
        decision = whole["decisions"][-1]
        declaration = decision["verdict"]["declaration"]
        (closed,) = [row for row in whole["records"] if row["type"] == "PassageClosed"]
        end = closed["body"]
        if declaration is None or (end["outcome"], end["left"]) != ("release", "exit"):
            raise ExitProofError(f"passage {whole['passage_id']}: nothing left on a declaration")
        if not (declaration["tax_refund"] or declaration["direction"] == "out"):
            raise ExitProofError(f"declaration {declaration['declaration_id']}: not an export")
        evidence = decision["evidence"]
        gross_kg, within_kg = _weight(whole["records"], evidence)
        exit_clear = end["timeline"]["exit_clear"]
        return ExitFacts(
            declaration_id=declaration["declaration_id"],
            office=declaration["office"],
            plates_declared=tuple(declaration["plates"]),
            containers=tuple(declaration["containers"]),
            gross_kg_declared=declaration["gross_kg"],
            passage_id=whole["passage_id"],
            lane=lane,
            plate_read=evidence["plate"]["text"] if evidence["plate"] else None,
            card_uid=evidence["card"]["uid"] if evidence["card"] else None,
            gross_kg=gross_kg,
            weight_within_kg=within_kg,
            arrived_at_ms=end["arrived_at"]["wall_ms"],
            left_at_ms=exit_clear["wall_ms"] if exit_clear else closed["at_ms"],
            decided_by=end["decided_by"],
            pictures=tuple(whole["pictures"]),
            policies=tuple(sorted(whole["policies"])),
            is_whole=whole["is_whole"],
        )
    except (KeyError, IndexError, TypeError, ValueError) as exc:
        raise ExitProofError(f"the dossier cannot be read: {exc!r}") from exc


def _weight(records: list[Any], evidence: dict[str, Any]) -> tuple[int | None, int | None]:
    """What it weighed in the end, and within how much."""
    later = [row["body"] for row in records if row["type"] == "WeighedAfterwards"]
    if later:
        return later[-1]["gross_kg"], later[-1]["within_kg"]
    weight = evidence["weight"]
    return (weight["gross_kg"], weight["within_kg"]) if weight else (None, None)
