"""The dossier of a passage, `kakou-dossier-1`: canonical JSON, known by its SHA-256.

Canonical: UTF-8, keys sorted, no spaces, whole numbers wherever a verdict looks. Everything of
the passage is in it: the journal's events as they were written, the records with their links in
the chain, each verdict with its evidence, declarations and policy, pictures and models by hash.
docs/reference/dossier.md names every key. In its record it travels compressed.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from typing import Any

import msgspec

from gate_agent.domain.decision import Reason, Verdict
from gate_agent.domain.dossier import Clocks
from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import PolicyPack, policy_hash
from gate_agent.domain.policy_pack import canonical as canonical_pack
from gate_agent.domain.records import PassageDecided, WeighedAfterwards
from gate_agent.domain.vocabulary import PassageId

FORMAT = "kakou-dossier-1"
MAX_BYTES = 16_000_000  # unpacked; ours are far smaller
_sorted = msgspec.json.Encoder(order="sorted")


class DossierError(ValueError):
    """Bytes that are no dossier of this format; the text names the field."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the journal: when, on both clocks, and what."""

    seq: int
    mono_us: int  # monotonic microseconds of the machine's boot then
    wall_ms: int
    type: str
    body: msgspec.Raw


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the passage as the lane meant it, with its link in the chain."""

    seq: int
    at_ms: int
    type: str
    chain: str
    body: msgspec.Raw


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict and everything that it was made of. `policy` is a key of `policies`."""

    seq: int  # of its record
    evidence: Evidence
    declarations: tuple[Declaration, ...]
    policy: str
    wall_ms: int
    verdict: Verdict
    handed_over_for: Reason | None = None
    verdict_before: Verdict | None = None


class Judgment(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a dossier that a replay reads; the rest is passed over."""

    format: str
    lane: str
    epoch: str
    passage_id: str
    software: str
    decisions: tuple[Decision, ...]
    policies: dict[str, PolicyPack]
    records: tuple[Noted, ...] = ()

    def weighed_after(self, decision: Decision) -> WeighedAfterwards | None:
        """What was weighed after a verdict on a swing. Raises `DossierError`."""
        for noted in self.records:
            if noted.type == WeighedAfterwards.__name__ and noted.seq > decision.seq:
                try:
                    return _weighings.decode(noted.body)
                except msgspec.MsgspecError as exc:
                    raise DossierError(f"dossier: record {noted.seq}: {exc}") from exc
        return None

    def decided(self, decision: Decision) -> PassageDecided:
        """A decision as the record from which it can be made again."""
        return PassageDecided(
            passage_id=PassageId(self.passage_id),
            verdict=decision.verdict,
            evidence=decision.evidence,
            pack=self.policies[decision.policy],
            wall_ms=decision.wall_ms,
            declarations=decision.declarations,
            handed_over_for=decision.handed_over_for,
            verdict_before=decision.verdict_before,
        )


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """What a dossier is made from: the slices of one passage, as they were written."""

    lane: str
    epoch: str
    passage_id: str
    software: str  # version of the agent that closed the passage
    sealed_at_ms: int
    events: tuple[Event, ...]
    events_left_out: int  # in the middle of a passage that had very many
    records: tuple[Noted, ...]
    records_left_out: int
    is_whole: bool  # False: it began before the lane's database could keep dossiers
    clocks: Clocks


_judgments = msgspec.json.Decoder(Judgment)
_weighings = msgspec.json.Decoder(WeighedAfterwards)


def canonical(value: object) -> bytes:
    """The canonical JSON of a value; equal values have equal bytes."""
    return _sorted.encode(msgspec.json.decode(msgspec.json.encode(value)))


def sha256(content: bytes) -> str:
    """The name of some bytes, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def sealed(passage: Passage) -> bytes:
    """The canonical bytes of the dossier of a closed passage. Pure: the same slices, same bytes."""
    whole: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(passage))
    policies: dict[str, Any] = {}
    decisions = []
    for noted in whole["records"]:
        if noted["type"] == PassageDecided.__name__:
            decisions.append(_decision(noted, policies))
    whole |= {
        "format": FORMAT,
        "decisions": decisions,
        "policies": policies,
        "pictures": _named(whole["records"], "PictureTaken", "picture_id"),
        "models": _named(whole["events"], "PlateRead", "model_id"),
    }
    return _sorted.encode(whole)


def _decision(noted: dict[str, Any], policies: dict[str, Any]) -> dict[str, Any]:
    """Take a verdict out of its record, which keeps only where it went."""
    decision = dict(noted["body"], seq=noted["seq"])
    policy = decision.pop("pack")
    try:
        pack = msgspec.convert(policy, PolicyPack)
    except msgspec.ValidationError:  # kept by another version, which was replaced in mid passage
        decision["policy"] = sha256(_sorted.encode(policy))
        policies[decision["policy"]] = policy
    else:
        decision["policy"] = policy_hash(pack)
        policies[decision["policy"]] = msgspec.json.decode(canonical_pack(pack))
    del decision["passage_id"]
    noted["body"] = {"decision": noted["seq"]}
    return decision


def _named(rows: Iterable[dict[str, Any]], type_: str, key: str) -> list[str]:
    """What rows of one type name under `key`, each once, in order."""
    found = (row["body"].get(key) for row in rows if row["type"] == type_)
    return list(dict.fromkeys(name for name in found if name))


def packed(content: bytes) -> bytes:
    """A dossier as it travels."""
    return zlib.compress(content, 6)


def unpacked(content: bytes) -> bytes:
    """The canonical bytes of a dossier that has travelled. Raises `DossierError`."""
    reader = zlib.decompressobj()
    try:
        whole = reader.decompress(content, MAX_BYTES)
    except zlib.error as exc:
        raise DossierError(f"dossier: cannot be unpacked: {exc}") from exc
    if reader.unconsumed_tail or not reader.eof:
        raise DossierError(f"dossier: cut off, or more than {MAX_BYTES} bytes")
    return whole


def judgment_of(content: bytes) -> Judgment:
    """The verdicts of a dossier. Raises `DossierError` naming the field."""
    try:
        judgment = _judgments.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise DossierError(f"dossier: {exc}") from exc
    if judgment.format != FORMAT:
        raise DossierError(f"dossier: format {judgment.format!r}, not {FORMAT!r}")
    for decision in judgment.decisions:
        if decision.policy not in judgment.policies:
            raise DossierError(f"dossier: policy {decision.policy} is not in it")
    return judgment
