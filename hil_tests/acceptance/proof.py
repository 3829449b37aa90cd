"""A whole run on simulators that stands beside the report of a real lane.

Not every fault can be made at real devices. What could not be played at a lane was played on
simulators of the same version: the report of that run is the proof, known by its hash. A run that
failed proves nothing, and so does one of a program that no commit names.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

PROVES = ("ACCEPTED", "PARTIAL")  # what passed in a part of a run passed


class ProofError(Exception):
    """The report cannot stand beside this run; the message says why."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A run on simulators, and the scenarios that passed there."""

    bench: str
    began: str
    ended: str
    version: str
    commit: str
    machine: str
    verdict: str
    sha256: str
    passed: frozenset[str]

    def has(self, scenario: str) -> bool:
        """Whether it was played there and passed."""
        return scenario in self.passed


def read_proof(path: Path, version: str, commit: str) -> Proof:
    """Read the `report.json` of a run on simulators. Raises `ProofError`."""
    try:
        content = path.read_bytes()
        told: dict[str, Any] = msgspec.json.decode(content)
        presences = {device["presence"] for device in told["devices"]}
        proof = Proof(
            **{name: told[name] for name in ("bench", "began", "ended", "version", "commit")},
            machine=told["machine"],
            verdict=told["verdict"],
            sha256=hashlib.sha256(content).hexdigest(),
            passed=frozenset(
                step["name"]
                for step in told["steps"]
                if not step["problems"] and step["skipped"] is None
            ),
        )
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as exc:
        raise ProofError(f"{path}: no report of make hil: {exc!r}") from exc
    if presences != {"simulated"}:
        raise ProofError(f"{path}: not a run on simulators only")
    if proof.verdict not in PROVES:
        raise ProofError(f"{path}: that run is {proof.verdict}")
    if proof.commit == "unknown" or proof.commit.endswith("-dirty"):
        raise ProofError(f"{path}: of commit {proof.commit}: which program that was nobody can say")
    if (proof.version, proof.commit) != (version, commit):
        found, wanted = f"{proof.version} ({proof.commit})", f"{version} ({commit})"
        raise ProofError(f"{path}: of Kakou {found}, and this is {wanted}")
    return proof
