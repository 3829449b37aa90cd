"""Evidence arrives in any order; when it is complete, or time is up, the lane decides once."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Final

from gate_agent.domain import claims
from gate_agent.domain.at_hand import evidence_of
from gate_agent.domain.deadlines import arm, disarm
from gate_agent.domain.decision import Verdict, decide
from gate_agent.domain.effects import FindDeclarations, Ignored, Record, RequestPlate, mark_used
from gate_agent.domain.events import (
    CardPresented,
    ClaimAnswered,
    DeclarationsFound,
    PlateRead,
    PlateSource,
    WeightObserved,
)
from gate_agent.domain.evidence import (
    CardEvidence,
    PlateEvidence,
    since_arrival_ms,
)
from gate_agent.domain.identity import is_doubtful, plate_in_question, weighed_together
from gate_agent.domain.manifest import NO_MANIFEST, Declaration
from gate_agent.domain.matching import normalize_plate
from gate_agent.domain.noticing import note_tare
from gate_agent.domain.passing import begin_release, begin_turning_back
from gate_agent.domain.pieces import is_container_awaited
from gate_agent.domain.records import PassageDecided, PictureTaken, PictureView
from gate_agent.domain.rules.identity import is_current
from gate_agent.domain.state import DeadlineKind, Found, LaneState, Lookup, Passage, Step
from gate_agent.domain.vocabulary import Instant, Outcome, Phase, WeightState
from gate_agent.domain.weighing import is_wholly_on, note_zero, settled_weight, swinging_weight

EARLIER_MAX: Final = 8  # a vehicle has not so many plates: one of them contradicts


def take_plate(lane: LaneState, event: PlateRead, at: Instant) -> Step:
    """Keep the best reading of this passage; ask again while it is doubtful."""
    passage = lane.passage
    if (
        passage is None
        or passage.passage_id != event.passage_id
        or lane.phase is not Phase.GATHERING
        or (event.source is PlateSource.LANE and event.attempt != passage.plate_attempt)
    ):
        return Step(lane, (Ignored(why="plate of another passage or too late"),))
    if event.source is PlateSource.CAMERA:
        return _take_camera_plate(lane, passage, event, at)
    known, best = passage.plate, _better_plate(lane, passage, event, at)
    good = best is not None and not is_doubtful(best, lane.pack)
    done = good or event.attempt >= lane.policy.plate_attempts
    passage = replace(passage, plate=best, plate_done=done)
    if best is not None and best is not known:
        passage = replace(passage, timeline=replace(passage.timeline, plate=at))
    pictures = Step(replace(lane, passage=passage), _pictures(passage, event))
    if done:
        return pictures.on(look_up(pictures.lane, at))
    return pictures.on(_ask_again(lane, passage))


def _ask_again(lane: LaneState, passage: Passage) -> Step:
    passage = replace(passage, plate_attempt=passage.plate_attempt + 1, plate_done=False)
    request = RequestPlate(
        passage_id=passage.passage_id,
        attempt=passage.plate_attempt,
        card_uid=passage.card.uid if passage.card else None,
    )
    return Step(replace(lane, passage=passage), (request,))


def _take_camera_plate(lane: LaneState, passage: Passage, event: PlateRead, at: Instant) -> Step:
    """Keep what a camera of its own reading says; it may contradict, it never suffices.

    The last post counts as its reading, but takes nothing back that it said before.
    """
    seen = passage.camera_plate
    if event.text:
        earlier = _said_before(seen, event.text)
        seen = replace(_plate_evidence(passage, event, at), earlier=earlier)
    passage = replace(passage, camera_plate=seen)
    return Step(replace(lane, passage=passage), _pictures(passage, event))


def _said_before(known: PlateEvidence | None, text: str) -> tuple[str, ...]:
    """The other plates that it posted, the first of them first."""
    if known is None:
        return ()
    posted = {normalize_plate(each): each for each in (*known.earlier, known.text)}
    posted.pop(normalize_plate(text), None)
    return tuple(islice(posted.values(), EARLIER_MAX))


def _pictures(passage: Passage, event: PlateRead) -> tuple[Record, ...]:
    kept = (
        (event.picture_id, PictureView.OVERVIEW),
        (event.plate_picture_id, PictureView.PLATE),
    )
    return tuple(
        Record(body=PictureTaken(passage_id=passage.passage_id, picture_id=picture_id, view=view))
        for picture_id, view in kept
        if picture_id is not None
    )


def _better_plate(
    lane: LaneState, passage: Passage, event: PlateRead, at: Instant
) -> PlateEvidence | None:
    known = passage.plate
    if not event.text:
        return known
    seen = _plate_evidence(passage, event, at)
    weighed = weighed_together(known, seen)
    if known is None or _worth(weighed, lane) >= _worth(known, lane):
        return weighed
    return replace(
        known,
        candidates=weighed.candidates,
        none_milli_nats=weighed.none_milli_nats,
        looks=weighed.looks,
    )


def _plate_evidence(passage: Passage, event: PlateRead, at: Instant) -> PlateEvidence:
    return PlateEvidence(
        text=event.text,
        plate_class=event.plate_class,
        confidence_permille=event.confidence_permille,
        frames_agreed=event.frames_agreed,
        frames_seen=event.frames_seen,
        picture_id=event.picture_id,
        since_arrival_ms=since_arrival_ms(passage.arrived_at, at),
        candidates=event.candidates,
        none_milli_nats=event.none_milli_nats,
        others=event.others,
        readings=event.readings,
    )


def _worth(plate: PlateEvidence, lane: LaneState) -> tuple[bool, int]:
    return not is_doubtful(plate, lane.pack), plate.confidence_permille


def take_card(lane: LaneState, event: CardPresented, at: Instant) -> Step:
    """A card counts only while a vehicle's evidence is being gathered; the last one counts."""
    passage = lane.passage
    if passage is None or lane.phase is not Phase.GATHERING:
        return Step(lane, (Ignored(why="no vehicle is being checked"),))
    if at.mono_s < passage.arrived_at.mono_s:
        return Step(lane, (Ignored(why="card presented before the vehicle arrived"),))
    passage = replace(
        passage,
        card=CardEvidence(
            uid=event.uid,
            since_arrival_ms=since_arrival_ms(passage.arrived_at, at),
            fields=event.fields,
        ),
        timeline=replace(passage.timeline, card=at),
    )
    lane = replace(lane, passage=passage)
    step = _ask_again(lane, passage) if _may_card_help(lane, passage) else Step(lane)
    return step.on(look_up(step.lane, at))


def _may_card_help(lane: LaneState, passage: Passage) -> bool:
    """A plate in doubt is looked at once more when a card says which one it might be."""
    plate = passage.plate
    return (
        plate is not None
        and passage.plate_done
        and passage.plate_attempt == lane.policy.plate_attempts
        and lane.pack.identity.verified_plate_suffices
        and is_doubtful(plate, lane.pack)
    )


def take_weight(lane: LaneState, event: WeightObserved, at: Instant) -> Step:
    """Follow the scale; a settled value counts only with the vehicle wholly on the platform."""
    lane = replace(lane, weight_state=event.state, weight_kg=event.gross_kg)
    passage = lane.passage
    if passage is None or lane.phase is not Phase.GATHERING:
        return Step(lane)
    passage = replace(
        note_zero(lane, passage, event),
        weight_moved=passage.weight_moved or event.state is WeightState.MOVING,
    )
    weight = settled_weight(lane, passage, event, at)
    swing = swinging_weight(lane, passage, event, at)
    if (weight is not None and passage.weight is None) or swing is not None:
        passage = replace(passage, timeline=replace(passage.timeline, weight=at))
    passage = replace(passage, weight=weight, swing=swing)
    return look_up(replace(lane, passage=passage), at)


def follow_beams(lane: LaneState, at: Instant) -> LaneState:
    """Keep the passage's record of the beams; an axle over a beam spoils the weight."""
    passage = lane.passage
    if passage is None:
        return lane
    rear = lane.inputs.rear_beam
    passed = passage.rear_beam_passed or (passage.rear_beam_cut and rear is False)
    cut_again = passage.rear_beam_passed and rear is True
    has_just_passed = passed and not passage.rear_beam_passed
    keeps_weight = is_wholly_on(lane) or lane.phase is not Phase.GATHERING
    passage = replace(
        passage,
        rear_beam_cut=passage.rear_beam_cut or rear is True,
        rear_beam_lost=passage.rear_beam_lost or rear is None,
        rear_beam_passed=passed,
        tail_at=at if has_just_passed else passage.tail_at,
        rear_beam_cut_again=passage.rear_beam_cut_again
        or (cut_again and lane.phase in (Phase.HELD, Phase.TURNING_BACK)),
        alone=passage.alone and not (cut_again and lane.phase is Phase.GATHERING),
        weight=passage.weight if keeps_weight else None,
        swing=passage.swing if keeps_weight else None,
    )
    return replace(lane, passage=passage)


def look_up(lane: LaneState, at: Instant) -> Step:
    """Ask the manifest once plate or card names a vehicle, and anew when there is a verdict.

    The first answers let the lane claim the declaration at the hub, and see which weight would do
    while the scale still swings; no verdict rests on them: what the manifest says at that moment
    is asked for again.
    """
    passage = lane.passage
    if passage is None or lane.phase is not Phase.GATHERING:
        return Step(lane)
    if not (_is_named(lane, passage) or passage.gather_over):
        return Step(lane)
    plate = plate_in_question(passage.plate, lane.pack) if passage.plate else None
    card_uid = passage.card.uid if passage.card else None
    pending, found = passage.lookup, passage.found
    if pending is not None and (pending.plate, pending.card_uid) == (plate, card_uid):
        return Step(lane)
    is_answered = found is not None and (found.plate, found.card_uid) == (plate, card_uid)
    if is_answered and not _is_worth_asking_again(lane, passage, at):
        return Step(lane)
    armed = arm(lane, DeadlineKind.LOOKUP, lane.policy.lookup_timeout_s)
    token = armed.lane.token_count
    lookup = Lookup(token=token, plate=plate, card_uid=card_uid)
    lane = replace(armed.lane, passage=replace(passage, lookup=lookup))
    question = FindDeclarations(token=token, plate=plate, card_uid=card_uid)
    return Step(lane, (*armed.effects, question))


def _is_named(lane: LaneState, passage: Passage) -> bool:
    """Whether there is something to look up: a card, or a plate that is not doubtful."""
    if passage.card is not None:
        return True
    plate = passage.plate
    return plate is not None and passage.plate_done and not is_doubtful(plate, lane.pack)


def _is_worth_asking_again(lane: LaneState, passage: Passage, at: Instant) -> bool:
    if claims.is_pending(lane):
        return False
    return _is_complete(lane, passage, at) or _would_release(lane, passage, at)


def _is_identified(lane: LaneState, passage: Passage, at: Instant) -> bool:
    is_named = passage.plate_done and passage.card is not None
    return is_named and not _awaits_containers(lane, passage, at)


def _awaits_containers(lane: LaneState, passage: Passage, at: Instant) -> bool:
    """Whether policy demands a container number that may still be read.

    The camera posts it when it likes. What is read wrong already needs no more waiting.
    """
    if "container" not in lane.pack.identity.agree or passage.found is None:
        return False
    return any(
        is_current(each, at.wall_ms) and is_container_awaited(passage.containers, each)
        for each in passage.found.declarations
    )


def _is_complete(lane: LaneState, passage: Passage, at: Instant) -> bool:
    """Whether there will be a verdict now, whatever it is."""
    if passage.gather_over:
        return True
    return passage.weight is not None and _is_identified(lane, passage, at)


def _would_release(lane: LaneState, passage: Passage, at: Instant) -> bool:
    """Whether the whole interval in which the weight must settle is good enough for a release.

    Only a release is worth deciding early: any other verdict waits for the settled weight.
    """
    if passage.swing is None or passage.found is None or not _is_identified(lane, passage, at):
        return False
    evidence = evidence_of(lane, replace(passage, weight=passage.swing), at)
    verdict = decide(evidence, passage.found.declarations, lane.pack, at.wall_ms)
    return verdict.outcome is Outcome.RELEASE


def take_declarations(lane: LaneState, event: DeclarationsFound, at: Instant) -> Step:
    """The manifest answered: decide, unless something is missing or changed since it was asked."""
    passage = lane.passage
    if passage is None or passage.lookup is None or passage.lookup.token != event.token:
        return Step(lane, (Ignored(why="answer to a question that is no longer asked"),))
    lane = disarm(replace(lane, manifest=event.manifest), DeadlineKind.LOOKUP)
    asked = passage.lookup
    found = Found(plate=asked.plate, card_uid=asked.card_uid, declarations=event.declarations)
    claimed = claims.ask(replace(lane, passage=replace(passage, lookup=None, found=found)), at)
    return claimed.on(_conclude_if_ready(claimed.lane, event.declarations, at))


def _conclude_if_ready(lane: LaneState, declarations: tuple[Declaration, ...], at: Instant) -> Step:
    passage = lane.passage
    if passage is None or claims.is_pending(lane):
        return Step(lane)
    if _is_complete(lane, passage, at):
        return conclude(lane, declarations, at)
    if _would_release(lane, passage, at):
        early = replace(passage, weight=passage.swing, swing=None)
        return conclude(replace(lane, passage=early), declarations, at)
    return Step(lane)


def take_claim(lane: LaneState, event: ClaimAnswered, at: Instant) -> Step:
    """The hub answered: what waited for it goes on."""
    step = claims.take_answer(lane, event)
    return step.on(look_up(step.lane, at))


def claim_unanswered(lane: LaneState, at: Instant) -> Step:
    """The hub did not answer: the lane goes on alone."""
    step = claims.no_answer(lane)
    return step.on(look_up(step.lane, at))


def lookup_failed(lane: LaneState, at: Instant) -> Step:
    """No answer from the manifest: judge without it, which cannot release."""
    passage = lane.passage
    if passage is None or lane.phase is not Phase.GATHERING:
        return Step(lane)
    passage = replace(passage, lookup=None, found=None)
    lane = replace(lane, manifest=NO_MANIFEST, passage=passage)
    if not _is_complete(lane, passage, at):
        return Step(lane)  # it is asked again
    return conclude(lane, (), at)


def gather_over(lane: LaneState, at: Instant) -> Step:
    """Time is up: judge what there is."""
    passage = lane.passage
    if passage is None or lane.phase is not Phase.GATHERING:
        return Step(lane)
    return look_up(replace(lane, passage=replace(passage, gather_over=True)), at)


def conclude(lane: LaneState, declarations: tuple[Declaration, ...], at: Instant) -> Step:
    """Decide and record; what follows the verdict is in `passing`."""
    passage = lane.passage
    if passage is None:
        return Step(lane)
    evidence = evidence_of(lane, passage, at)
    verdict = decide(evidence, declarations, lane.pack, at.wall_ms)
    passage = replace(
        passage,
        verdict=verdict,
        decided_by="lane",
        timeline=replace(passage.timeline, decided=at),
    )
    lane = disarm(replace(lane, passage=passage), DeadlineKind.GATHER, DeadlineKind.LOOKUP)
    lane = disarm(lane, DeadlineKind.CLAIM)
    decided = Record(
        body=PassageDecided(
            passage_id=passage.passage_id,
            verdict=verdict,
            evidence=evidence,
            pack=lane.pack,
            wall_ms=at.wall_ms,
            declarations=declarations,
        )
    )
    step = Step(lane, (decided,))
    if verdict.declaration is not None and evidence.weight and evidence.weight.within_kg == 0:
        step = step.on(note_tare(lane, verdict.declaration, evidence.weight.gross_kg))
    return _follow(step, verdict, at)


def _follow(step: Step, verdict: Verdict, at: Instant) -> Step:
    passage = step.lane.passage
    if passage is None:
        return step
    match verdict.outcome:
        case Outcome.RELEASE:
            if verdict.declaration is not None:
                step = step.plus(mark_used(verdict.declaration, passage.passage_id))
            return step.on(begin_release(step.lane, at))
        case Outcome.REFUSE:
            return step.on(begin_turning_back(step.lane))
        case Outcome.HOLD | Outcome.INSPECT:
            return Step(replace(step.lane, phase=Phase.HELD), step.effects)
