"""Between the domain's values and the wire's. The only place where the two meet."""

from __future__ import annotations

from typing import Literal, assert_never

import msgspec

from gate_agent.domain import records
from gate_agent.domain.decision import Verdict
from gate_agent.domain.events import (
    ClaimAnswered,
    EvacuationEnded,
    EvacuationOrdered,
    Event,
    LoweringOrdered,
    ModeSet,
    Overridden,
)
from gate_agent.domain.evidence import (
    ClaimState,
    Evidence,
    KnownEmpty,
    PlateEvidence,
    Sighting,
    WeightEvidence,
)
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import policy_hash
from gate_agent.domain.rules.authority import authority_left_ms
from gate_agent.domain.rules.doubles import known_empty_of, sightings_of
from gate_agent.domain.vocabulary import (
    CommandId,
    Instant,
    Mode,
    Outcome,
    PassageId,
)
from gate_agent.wire import v1


def declaration_of(row: v1.DeclarationRow) -> Declaration:
    """A declaration as the lane takes it."""
    return msgspec.convert(row, Declaration, from_attributes=True)


def declaration_row(declaration: Declaration) -> v1.DeclarationRow:
    """A declaration as it travels."""
    return msgspec.convert(declaration, v1.DeclarationRow, from_attributes=True)


def claim_answered(answer: v1.ClaimAnswer) -> ClaimAnswered:
    """The hub's answer to a claim as the event it is for the lane."""
    known = answer.known_empty
    return ClaimAnswered(
        token=answer.token,
        state=ClaimState(answer.state),
        holder=answer.holder,
        sightings=tuple(
            Sighting(lane=each.lane, passage_id=each.passage_id, gap_ms=each.gap_ms)
            for each in answer.sightings
        ),
        known_empty=KnownEmpty(kg=known.kg, times=known.times) if known else None,
    )


def event_of(command: v1.Command) -> Event:
    """A hub command as the event it is for the lane."""
    match command:
        case v1.OverrideCommand():
            return Overridden(
                command_id=CommandId(command.command_id),
                passage_id=PassageId(command.passage_id),
                decision=Outcome(command.decision),
                by=command.by,
                reason=command.reason,
                expires_at_ms=command.expires_at_ms,
                slip=command.slip,
            )
        case v1.LowerBarrierCommand():
            return LoweringOrdered(
                command_id=CommandId(command.command_id),
                by=command.by,
                reason=command.reason,
                expires_at_ms=command.expires_at_ms,
            )
        case v1.SetModeCommand():
            return ModeSet(
                command_id=CommandId(command.command_id),
                mode=Mode(command.mode),
                by=command.by,
                reason=command.reason,
                expires_at_ms=command.expires_at_ms,
                kind=command.kind,
            )
        case v1.EvacuateCommand():
            return EvacuationOrdered(
                command_id=CommandId(command.command_id),
                by=command.by,
                reason=command.reason,
                expires_at_ms=command.expires_at_ms,
            )
        case v1.EndEvacuationCommand():
            return EvacuationEnded(
                command_id=CommandId(command.command_id),
                evacuation_id=CommandId(command.evacuation_id),
                by=command.by,
                reason=command.reason,
                expires_at_ms=command.expires_at_ms,
            )
        case _:
            assert_never(command)


def body_of(record: records.RecordBody) -> v1.RecordBody:  # noqa: C901, PLR0911, PLR0912 - one case a record
    """A record as it travels. A picture travels without its bytes: the uplink adds them."""
    match record:
        case records.LaneStarted():
            return v1.LaneStarted(version=record.version, interrupted=record.interrupted)
        case records.PolicyAdopted():
            return v1.PolicyAdopted(version=record.version, policy_hash=record.policy_hash)
        case records.PassageOpened():
            return v1.PassageOpened(passage_id=record.passage_id)
        case records.PictureTaken():
            return v1.PictureTaken(
                passage_id=record.passage_id, picture_id=record.picture_id, view=record.view.value
            )
        case records.PassageDecided():
            return _decided(record)
        case records.WeighedAfterwards():
            return v1.WeighedAfterwards(
                passage_id=record.passage_id,
                gross_kg=record.gross_kg,
                within_kg=record.within_kg,
                agrees=record.agrees,
            )
        case records.PassageOverridden():
            return _overridden(record)
        case records.CommandCarriedOut():
            return v1.CommandCarriedOut(
                command_id=record.command_id,
                command=_COMMANDS[record.command],
                by=record.by,
                reason=record.reason,
                mode=record.mode,
                emergency=record.emergency,
                local=record.local,
            )
        case records.CommandRefused():
            return v1.CommandRefused(
                passage_id=record.passage_id, command_id=record.command_id, why=record.why.value
            )
        case records.PassageClosed():
            return _closed(record)
        case records.FaultChanged():
            return v1.FaultChanged(
                code=record.code.value, raised=record.raised, detail=record.detail
            )
        case records.AlarmRaised():
            return v1.AlarmRaised(code=record.code.value, passage_id=record.passage_id)
        case _:
            assert_never(record)


def _decided(record: records.PassageDecided) -> v1.PassageDecided:
    verdict: Verdict = record.verdict
    return v1.PassageDecided(
        passage_id=record.passage_id,
        outcome=verdict.outcome.value,
        reasons=tuple(reason.value for reason in verdict.reasons),
        evidence=evidence_facts(record.evidence, claim_fact(record)),
        declaration=declaration_row(verdict.declaration) if verdict.declaration else None,
        manifest_version=record.evidence.manifest.version,
        policy_version=record.pack.version,
        policy_hash=policy_hash(record.pack),
        place=verdict.place,
        notify=verdict.notify,
        obligations=tuple(
            v1.ObligationRow(code=each.code, due_ms=each.due_ms, to=each.to)
            for each in verdict.obligations
        ),
    )


_DECISIONS: dict[Outcome, v1.DecisionName] = {
    Outcome.RELEASE: "release",
    Outcome.INSPECT: "inspect",
    Outcome.REFUSE: "refuse",
}


_COMMANDS: dict[str, Literal["set_mode", "lower_barrier", "evacuate", "end_evacuation"]] = {
    "set_mode": "set_mode",
    "lower_barrier": "lower_barrier",
    "evacuate": "evacuate",
    "end_evacuation": "end_evacuation",
}


def _overridden(record: records.PassageOverridden) -> v1.PassageOverridden:
    return v1.PassageOverridden(
        passage_id=record.passage_id,
        command_id=record.command_id,
        decision=_DECISIONS[record.decision],
        by=record.by,
        reason=record.reason,
        slip=record.slip,
        emergency=record.emergency,
        local=record.local,
    )


def claim_fact(record: records.PassageDecided) -> v1.ClaimFact | None:
    """The claim that the verdict rests on, and how long a lane without an answer may go on."""
    claim, declaration = record.evidence.claim, record.verdict.declaration
    if claim is None:
        return None
    alone_until_ms, known = None, known_empty_of(record.evidence, claim.declaration_id)
    is_alone = claim.state in (ClaimState.UNANSWERED, ClaimState.PENDING)
    if is_alone and declaration is not None:
        age_ms = record.evidence.manifest.age_ms
        left = dict(authority_left_ms(record.pack, age_ms))
        credit = record.pack.credit_class(declaration.credit_class)
        left_ms = left[credit.name if credit else ""]
        alone_until_ms = record.wall_ms + left_ms if left_ms else None
    return v1.ClaimFact(
        declaration_id=claim.declaration_id,
        state=claim.state.value,
        holder=claim.holder,
        alone_until_ms=alone_until_ms,
        sightings=tuple(
            v1.SightingRow(lane=each.lane, passage_id=each.passage_id, gap_ms=each.gap_ms)
            for each in sightings_of(record.evidence, claim.declaration_id)
        ),
        known_empty=v1.KnownEmptyRow(kg=known.kg, times=known.times) if known else None,
    )


def evidence_facts(evidence: Evidence, claim: v1.ClaimFact | None = None) -> v1.EvidenceFacts:
    """What was sensed, with the age of each piece at the verdict."""
    card, tag, containers = evidence.card, evidence.tag, evidence.containers
    return v1.EvidenceFacts(
        plate=_plate_fact(evidence.plate) if evidence.plate else None,
        card=v1.CardFact(uid=card.uid, age_ms=max(0, card.age_ms), fields=dict(card.fields))
        if card
        else None,
        weight=_weight_fact(evidence.weight) if evidence.weight else None,
        faults=tuple(sorted(fault.value for fault in evidence.faults)),
        claim=claim,
        tag=v1.TagFact(tag_id=tag.tag_id, others=tag.others, age_ms=max(0, tag.age_ms))
        if tag
        else None,
        containers=v1.ContainersFact(numbers=containers.numbers, age_ms=max(0, containers.age_ms))
        if containers
        else None,
        camera_plate=_plate_fact(evidence.camera_plate) if evidence.camera_plate else None,
    )


def _plate_fact(plate: PlateEvidence) -> v1.PlateFact:
    return v1.PlateFact(
        text=plate.text,
        plate_class=plate.plate_class,
        confidence_permille=plate.confidence_permille,
        frames_agreed=plate.frames_agreed,
        frames_seen=plate.frames_seen,
        picture_id=plate.picture_id,
        age_ms=max(0, plate.age_ms),
        candidates=tuple(
            v1.PlateCandidateFact(text=each.text, milli_nats=each.milli_nats)
            for each in plate.candidates
        ),
        none_milli_nats=plate.none_milli_nats,
        others=tuple(
            v1.OtherPlateFact(
                text=each.text,
                confidence_permille=each.confidence_permille,
                frames_agreed=each.frames_agreed,
            )
            for each in plate.others
        ),
        readings=msgspec.convert(
            plate.readings, tuple[v1.FrameReadingRow, ...], from_attributes=True
        ),
        earlier=plate.earlier,
    )


def _weight_fact(weight: WeightEvidence) -> v1.WeightFact:
    return v1.WeightFact(
        gross_kg=weight.gross_kg,
        division_kg=weight.division_kg,
        spread_kg=weight.spread_kg,
        within_kg=weight.within_kg,
        age_ms=max(0, weight.age_ms),
    )


def _closed(record: records.PassageClosed) -> v1.PassageClosed:
    return v1.PassageClosed(
        passage_id=record.passage_id,
        outcome=record.outcome.value,
        decided_by=record.decided_by,
        left=record.left.value,
        arrived_at_ms=record.arrived_at.wall_ms,
        timeline=_timeline(record.timeline, record.arrived_at),
        clip_id=record.clip_id,
    )


def _timeline(timeline: records.Timeline, arrived: Instant) -> v1.Timeline:
    def after_ms(moment: Instant | None) -> int | None:
        return None if moment is None else _ms(arrived, moment)

    return v1.Timeline(
        plate_ms=after_ms(timeline.plate),
        card_ms=after_ms(timeline.card),
        weight_ms=after_ms(timeline.weight),
        decided_ms=after_ms(timeline.decided),
        raise_sent_ms=after_ms(timeline.raise_sent),
        boom_up_ms=after_ms(timeline.boom_up),
        exit_clear_ms=after_ms(timeline.exit_clear),
        decision_us=_decision_us(timeline),
    )


def _decision_us(timeline: records.Timeline) -> int | None:
    """From the last piece of evidence in the lane to the raise command on the wire."""
    pieces = (timeline.plate, timeline.card, timeline.weight)
    if timeline.raise_sent is None or any(piece is None for piece in pieces):
        return None
    last_s = max(piece.mono_s for piece in pieces if piece is not None)
    took_s = timeline.raise_sent.mono_s - last_s
    return round(took_s * 1_000_000) if took_s >= 0 else None  # None: another boot


def _ms(earlier: Instant, later: Instant) -> int:
    return round(earlier.elapsed_us(later) / 1000)
