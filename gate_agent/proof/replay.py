"""Verdicts made again from their dossiers, under their own rules or under others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gate_agent.domain.dossier import replayed
from gate_agent.domain.policy_pack import rehearsal_of
from gate_agent.domain.vocabulary import Outcome
from gate_agent.wire import dossier

if TYPE_CHECKING:
    from gate_agent.domain.decision import Verdict
    from gate_agent.domain.policy_pack import PolicyPack
    from gate_agent.domain.records import PassageDecided
    from gate_agent.proof.files import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One verdict as it was recorded and as it is made now."""

    place: str
    passage_id: str
    seq: int  # of its record; of a dossier of another lane, of that lane's
    software: str
    recorded: Verdict
    now: Verdict

    @property
    def is_identical(self) -> bool:
        """Bit for bit: every field of both has the same canonical bytes."""
        return self.recorded == self.now


class ReplayError(Exception):
    """A dossier that cannot be replayed; the text names it and the field."""


def again(found: Found) -> Iterator[Made]:
    """Every verdict of one dossier, made again. Raises `ReplayError`."""
    judgment = judgment_of(found)
    for decision in judgment.decisions:
        yield _made(found, judgment, decision, replayed(judgment.decided(decision)))


def rehearsed(found: Found, pack: PolicyPack) -> Iterator[Made]:
    """What the lane would have decided under `pack`, as if in force then. Raises `ReplayError`.

    Only verdicts that the rules gave: what a person or an interruption made of one stays out. An
    interval in which a swinging weight must settle decides only what it releases, as at the lane.
    """
    judgment = judgment_of(found)
    for decision in judgment.decisions:
        if decision.handed_over_for is None:
            decided = judgment.decided(decision)
            decided = replace(decided, pack=rehearsal_of(pack, decided.pack))
            now = replayed(decided)
            if now.outcome is not Outcome.RELEASE:
                now = replayed(_having_waited(decided, judgment, decision, found.place))
            yield _made(found, judgment, decision, now)


def _made(
    found: Found, judgment: dossier.Judgment, decision: dossier.Decision, now: Verdict
) -> Made:
    return Made(
        place=found.place,
        passage_id=judgment.passage_id,
        seq=decision.seq,
        software=judgment.software,
        recorded=decision.verdict,
        now=now,
    )


def _having_waited(
    decided: PassageDecided, judgment: dossier.Judgment, decision: dossier.Decision, place: str
) -> PassageDecided:
    """The same with the weight that was taken afterwards, where the verdict was on a swing."""
    weight = decided.evidence.weight
    if weight is None or not weight.within_kg:
        return decided
    try:
        taken = judgment.weighed_after(decision)
    except dossier.DossierError as exc:
        raise ReplayError(f"{place}: {exc}") from exc
    if taken is None:
        return decided
    weight = replace(weight, gross_kg=taken.gross_kg, within_kg=taken.within_kg)
    return replace(decided, evidence=replace(decided.evidence, weight=weight))


def judgment_of(found: Found) -> dossier.Judgment:
    """What a dossier was judged by. Raises `ReplayError`."""
    if found.sha256 is not None and dossier.sha256(found.content) != found.sha256:
        raise ReplayError(f"{found.place}: not the dossier that was sealed as {found.sha256}")
    try:
        return dossier.judgment_of(found.content)
    except dossier.DossierError as exc:
        raise ReplayError(f"{found.place}: {exc}") from exc


def judged(verdict: Verdict) -> str:
    """What a rule change is measured by: the outcome and its reasons."""
    return " ".join([verdict.outcome.value, *(reason.value for reason in verdict.reasons)])


def said(verdict: Verdict) -> str:
    """A verdict in one line: outcome, reasons, declaration."""
    words = [judged(verdict)]
    if verdict.declaration is not None:
        words.append(f"({verdict.declaration.declaration_id})")
    return " ".join(words)
