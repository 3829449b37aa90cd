"""A passage claims its declaration at the hub, beside the gathering of evidence.

It is asked for as soon as plate or card names one declaration that could be used now, so that the
answer is mostly there before the weight is. A lane that does not hear the hub asks nothing and
waits for nothing.
"""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.at_hand import evidence_of
from gate_agent.domain.deadlines import arm, disarm
from gate_agent.domain.effects import ClaimDeclaration, Ignored
from gate_agent.domain.events import ClaimAnswered
from gate_agent.domain.evidence import ClaimEvidence, ClaimState, present_ms
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.reasons import Reason
from gate_agent.domain.rules.identity import identify, is_current
from gate_agent.domain.state import Claim, DeadlineKind, LaneState, Passage, Step
from gate_agent.domain.vocabulary import DeclarationId, Instant, Phase

CLAIM_S = 0.3
"""No answer within this is no hub. Longer than a round trip with a commit, short for a driver."""


def ask(lane: LaneState, at: Instant) -> Step:
    """Claim what was found, unless that was done; a passage has one claim, its latest."""
    passage = lane.passage
    if passage is None or FaultCode.UPLINK in lane.faults:
        return Step(lane)
    wanted = _named(lane, passage, at)
    known = passage.claim
    if wanted is None or (known is not None and known.said.declaration_id == wanted):
        return Step(lane)
    armed = arm(lane, DeadlineKind.CLAIM, CLAIM_S)
    token = armed.lane.token_count
    said = ClaimEvidence(declaration_id=wanted, state=ClaimState.PENDING)
    passage = replace(passage, claim=Claim(token=token, said=said))
    question = ClaimDeclaration(
        token=token,
        declaration_id=wanted,
        passage_id=passage.passage_id,
        since_arrival_ms=present_ms(passage.arrived_at, at),
    )
    return Step(replace(armed.lane, passage=passage), (*armed.effects, question))


def _named(lane: LaneState, passage: Passage, at: Instant) -> DeclarationId | None:
    """The one declaration that what is known of the vehicle names, if it could be used now.

    By a clock that is known to be wrong it might be: a supervisor may release on it, and no other
    lane may then.
    """
    if passage.found is None:
        return None
    evidence = evidence_of(lane, passage, at)
    found, reasons = identify(evidence, passage.found.declarations, lane.pack, at.wall_ms)
    if found is None or Reason.SEVERAL_DECLARATIONS in reasons:
        return None
    could_be_used = FaultCode.CLOCK in lane.faults or is_current(found, at.wall_ms)
    return found.declaration_id if could_be_used else None


def is_pending(lane: LaneState) -> bool:
    """Whether the hub was asked a moment ago."""
    claim = lane.passage.claim if lane.passage else None
    return claim is not None and claim.said.state is ClaimState.PENDING


def take_answer(lane: LaneState, event: ClaimAnswered) -> Step:
    """The hub answered, perhaps late: while nothing is decided what it says still counts."""
    passage = lane.passage
    claim = passage.claim if passage else None
    if (
        passage is None
        or claim is None
        or claim.token != event.token
        or lane.phase is not Phase.GATHERING
    ):
        return Step(lane, (Ignored(why="answer to a claim that is no longer made"),))
    said = replace(
        claim.said,
        state=event.state,
        holder=event.holder,
        sightings=event.sightings,
        known_empty=event.known_empty,
    )
    lane = disarm(lane, DeadlineKind.CLAIM)
    return Step(replace(lane, passage=replace(passage, claim=replace(claim, said=said))))


def no_answer(lane: LaneState) -> Step:
    """The hub did not say in time."""
    passage = lane.passage
    if passage is None or passage.claim is None or not is_pending(lane):
        return Step(lane)
    said = replace(passage.claim.said, state=ClaimState.UNANSWERED)
    claim = replace(passage.claim, said=said)
    return Step(replace(lane, passage=replace(passage, claim=claim)))
