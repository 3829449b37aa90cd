"""What the scale gives away besides a weight: alarms that change nothing in the lane.

An axle beside the platform, a vehicle that creeps, somebody who steps on or off, a weight that
turns out otherwise than an early verdict allowed for, and a scale that drifts: its zero over the
days, and its reading of empty vehicles whose weight is registered.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median_low

from gate_agent.domain.effects import Ignored, Record
from gate_agent.domain.events import ClipKept, WeightObserved
from gate_agent.domain.evidence import WeightEvidence
from gate_agent.domain.manifest import Declaration, Kind
from gate_agent.domain.records import Alarm, PictureTaken, PictureView, WeighedAfterwards
from gate_agent.domain.state import LaneState, Passage, Step, Watch, ZeroDay
from gate_agent.domain.vocabulary import Instant, Phase, WeightState
from gate_agent.domain.watching import alarm
from gate_agent.domain.weighing import is_wholly_on, swinging_weight

AXLE_OFF_S = 5.0
CREEP_S = 10.0
PERSON_KG = (40, 200)
DAY_MS = 86_400_000
ZERO_DAYS = 14
ZEROS_A_DAY = 10  # fewer say nothing about a day
TARES = 40
TARES_ENOUGH = 20
TARE_DRIFT_PERMILLE = 10


def notice_weight(lane: LaneState, event: WeightObserved, at: Instant) -> Step:
    """Look at one more observation of the scale."""
    step = _notice_zero(lane, event, at)
    if step.lane.phase in (Phase.GATHERING, Phase.HELD):
        return step.on(_notice_standing(step.lane, event, at))
    return step


def _notice_standing(lane: LaneState, event: WeightObserved, at: Instant) -> Step:
    passage = lane.passage
    if passage is None or event.gross_kg is None or event.gross_kg < lane.policy.min_vehicle_kg:
        return Step(lane)
    known = passage.watch
    rests = event.state is WeightState.SETTLED
    wholly_on = is_wholly_on(lane)
    beam_cut = lane.inputs.front_beam is True or lane.inputs.rear_beam is True
    watch = replace(
        known,
        axle_off_since=(known.axle_off_since or at) if rests and beam_cut else None,
        moving_since=(known.moving_since or at) if wholly_on and not rests else None,
        rested_kg=event.gross_kg if rests and wholly_on else known.rested_kg,
    )
    step = Step(replace(lane, passage=replace(passage, watch=watch)))
    if rests and wholly_on and passage.tail_at is None and not passage.unexpected:
        step = step.on(notice(step.lane, Alarm.REAR_BEAM_UNCUT))
    if _lasted(watch.axle_off_since, at, AXLE_OFF_S):
        step = step.on(notice(step.lane, Alarm.AXLE_OFF_DECK))
    if _lasted(watch.moving_since, at, CREEP_S):
        step = step.on(notice(step.lane, Alarm.CREEPING))
    if rests and wholly_on and _is_person(known, event):
        step = step.on(notice(step.lane, Alarm.PERSON_STEPPED))
    return step


def _is_person(known: Watch, event: WeightObserved) -> bool:
    if known.rested_kg is None or event.gross_kg is None:
        return False
    least_kg, most_kg = PERSON_KG
    step_kg = abs(event.gross_kg - known.rested_kg)
    return max(least_kg, 2 * event.division_kg) <= step_kg <= most_kg


def _lasted(since: Instant | None, at: Instant, for_s: float) -> bool:
    return since is not None and since.age_s(at) >= for_s


def notice(lane: LaneState, code: Alarm) -> Step:
    """Raise an alarm once a passage."""
    passage = lane.passage
    if passage is None or code in passage.watch.noticed:
        return Step(lane)
    watch = replace(passage.watch, noticed=(*passage.watch.noticed, code))
    return alarm(replace(lane, passage=replace(passage, watch=watch)), code)


# -- the weight after an early verdict


def follow_early(lane: LaneState, event: WeightObserved, at: Instant) -> Step:
    """Take the settled weight of a vehicle that was judged while it still swung.

    Where it lies outside the interval of the verdict, or the swing has moved away from it, that
    is an alarm at once.
    """
    passage = lane.passage
    judged = _judged_early(passage)
    if passage is None or judged is None or not is_wholly_on(lane) or passage.front_seen:
        return Step(lane)
    if event.state is WeightState.SETTLED and event.gross_kg is not None:
        agrees = judged.low_kg <= event.gross_kg <= judged.high_kg
        step = _taken(lane, passage, event.gross_kg, 0, agrees=agrees)
        return step if agrees else step.on(notice(step.lane, Alarm.WEIGHT_CHANGED))
    swing = swinging_weight(lane, passage, event, at)
    if swing is None:
        return Step(lane)
    lane = replace(lane, passage=replace(passage, swing=swing))
    if swing.low_kg <= judged.high_kg and judged.low_kg <= swing.high_kg:
        return Step(lane)
    return notice(lane, Alarm.WEIGHT_CHANGED)


def weighed_in_the_end(lane: LaneState) -> Step:
    """Record how far the weight got where the vehicle left before it had settled."""
    passage = lane.passage
    judged = _judged_early(passage)
    if passage is None or judged is None:
        return Step(lane)
    last = passage.swing or judged
    agrees = Alarm.WEIGHT_CHANGED not in passage.watch.noticed
    return _taken(lane, passage, last.gross_kg, last.within_kg, agrees=agrees)


def _judged_early(passage: Passage | None) -> WeightEvidence | None:
    """The interval that the verdict of this passage rests on, while no weight followed it."""
    if passage is None or passage.verdict is None or passage.weight is None:
        return None
    is_open = passage.weight.within_kg > 0 and not passage.watch.is_weighed
    return passage.weight if is_open else None


def _taken(lane: LaneState, passage: Passage, kg: int, within_kg: int, *, agrees: bool) -> Step:
    taken = WeighedAfterwards(
        passage_id=passage.passage_id, gross_kg=kg, within_kg=within_kg, agrees=agrees
    )
    watch = replace(passage.watch, is_weighed=True)
    lane = replace(lane, passage=replace(passage, watch=watch))
    step = Step(lane, (Record(body=taken),))
    declaration = passage.verdict.declaration if passage.verdict else None
    if within_kg or declaration is None:
        return step
    return step.on(note_tare(step.lane, declaration, kg))


# -- the scale itself


def _notice_zero(lane: LaneState, event: WeightObserved, at: Instant) -> Step:
    """Keep the zero of an empty platform by day; half a division off over a day is an alarm."""
    if event.state is not WeightState.EMPTY or event.gross_kg is None or event.division_kg <= 0:
        return Step(lane)
    day = at.wall_ms // DAY_MS
    kept = lane.zeros
    today = kept[-1] if kept and kept[-1].day == day else ZeroDay(day=day)
    earlier = kept[:-1] if kept and kept[-1].day == day else kept
    today = replace(today, seen=today.seen + 1, total_kg=today.total_kg + event.gross_kg)
    is_off = today.seen >= ZEROS_A_DAY and 2 * abs(today.total_kg) >= event.division_kg * today.seen
    is_new = is_off and not today.alarmed
    today = replace(today, alarmed=today.alarmed or is_off)
    lane = replace(lane, zeros=(*earlier, today)[-ZERO_DAYS:])
    return alarm(lane, Alarm.ZERO_DRIFT) if is_new else Step(lane)


def note_tare(lane: LaneState, declaration: Declaration, weighed_kg: int) -> Step:
    """Keep what an empty vehicle weighs here against its registered weight.

    One vehicle proves nothing; where the median of many is off, it is the scale.
    """
    if declaration.kind is not Kind.EMPTY or not declaration.tare_kg:
        return Step(lane)
    before = tare_drift_permille(lane.tares)
    lane = replace(lane, tares=(*lane.tares, weighed_kg * 1000 // declaration.tare_kg)[-TARES:])
    now = tare_drift_permille(lane.tares)
    if _is_drift(now) and not _is_drift(before):
        return alarm(lane, Alarm.TARE_DRIFT)
    return Step(lane)


def tare_drift_permille(ratios_permille: tuple[int, ...]) -> int | None:
    """How far the scale reads off at the median of known vehicles; None: too few of them.

    A ratio is weighed to registered weight, 1000 for equal.
    """
    if len(ratios_permille) < TARES_ENOUGH:
        return None
    return median_low(ratios_permille) - 1000


def _is_drift(permille: int | None) -> bool:
    return permille is not None and abs(permille) >= TARE_DRIFT_PERMILLE


def note_clip(lane: LaneState, event: ClipKept) -> Step:
    """Keep which file shows this passage; its closing record says so."""
    passage = lane.passage
    if passage is None or passage.passage_id != event.passage_id:
        return Step(lane, (Ignored(why="clip of a passage that is closed"),))
    pictures = tuple(
        Record(
            body=PictureTaken(
                passage_id=passage.passage_id, picture_id=picture_id, view=PictureView.LANE
            )
        )
        for picture_id in event.picture_ids
    )
    return Step(replace(lane, passage=replace(passage, clip_id=event.clip_id)), pictures)
