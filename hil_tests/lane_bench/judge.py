"""What a lane's own records must say of a scenario. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.sim.faults.table import FAULTS, Allows
from devices.sim.faults.turns import EARLIER_CARD, EARLIER_PERSON
from gate_agent.texts.catalogue import catalogue
from hil_tests.lane_bench.scenario import Phase
from hil_tests.lane_bench.wording import Said, fault_word, listed, said, word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil_tests.lane_bench.clips import ClipSeen
    from hil_tests.lane_bench.scenario import Scenario

RECOVERY_MAX_MS = 3_000
FORCED, WELDED = "boom_forced", "board_raise_relay_welded"
RELEASE_FAILED = "release_failed"  # the reason of a verdict: the boom did not come up
OPENED_BY_FAULT = "opened_for_nobody"  # by hand, or by the contact itself: the lane did not
EVIDENCE = {"weighbridge": "weight", "card_reader": "card", "container_camera": "containers"}
"""What of a decision's evidence comes from which device."""
TOLD_AFTER_MS = 2_500  # a fault that lasts this long before anything else must be on record
TOLD_LATER_MS = 5_000  # in any other phase: some devices are only lost after a while
SLACK_MS = 100  # between the lane's word and the end of a fault
UNSEEN_UNTIL_USED = frozenset({"sign_link"})
"""Conditions that a lane can only know of when it next has something to say to the device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRecord:
    """One record of the lane as the hub stored it. `at_ms` is UTC epoch milliseconds."""

    at_ms: int
    body: dict[str, Any]

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.body["type"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen from outside while a scenario was played. Times are UTC ms."""

    records: tuple[LaneRecord, ...]
    violations: tuple[tuple[str, str], ...] = ()  # kind, detail
    raises: int = 0  # of a boom that was down
    forced: int = 0  # a real boom left its lower limit by itself or by others
    left_by: str | None = None
    on_ms: int | None = None  # the fault came; made by hand: is there
    ending_ms: int | None = None  # until then it certainly lasted; None: until it went
    off_ms: int | None = None  # and went; made by hand: is gone
    is_by_hand: bool = False  # somewhere between the two before, before Enter, it went
    clips: tuple[ClipSeen, ...] | None = None  # of the passages closed; None: nobody films
    is_film_simulated: bool = False


def problems(scenario: Scenario, seen: Seen) -> list[Said]:
    """Everything that is wrong; empty where the lane did what it must."""
    by_fault = (OPENED_BY_FAULT,) if scenario.fault in (FORCED, WELDED) else ()
    return [
        *(
            said("problem.violation", kind=word(kind), detail=detail)
            for kind, detail in seen.violations
            if kind not in by_fault
        ),
        *_played(scenario, seen),
        *_ends(seen),
        *_boom(scenario, seen),
        *_forbidden(scenario, seen),
        *_conditions(scenario, seen),
        *_expected(scenario, seen),
        *_carried_out(scenario, seen),
        *_clips(scenario, seen),
    ]


def recovery_ms(scenario: Scenario, seen: Seen) -> int | None:
    """From the end of the fault to the lane's own word that it is over.

    None: not told; or a person ended the fault, and the word came before he said that he had.
    """
    fault = FAULTS[scenario.fault] if scenario.fault else None
    if fault is None or fault.code is None or seen.off_ms is None:
        return None
    cleared = [
        record.at_ms
        for record in _of(seen, "fault_changed")
        if record.body["code"] == fault.code and not record.body["raised"]
    ]
    if not cleared or (seen.is_by_hand and cleared[-1] < seen.off_ms):
        return None
    return max(0, cleared[-1] - seen.off_ms)


def unproved_releases(scenario: Scenario, seen: Seen) -> int:
    """Releases by the lane itself while a fault lasted that forbids them."""
    fault = FAULTS[scenario.fault] if scenario.fault else None
    if fault is None or fault.allows is not Allows.NOTHING or seen.on_ms is None:
        return 0
    is_early = scenario.phase is Phase.BEFORE
    on_the_way = scenario.phase in (Phase.ROLLING_ON, Phase.CAPTURING)
    is_early |= on_the_way and fault.device != "camera"
    until_ms = _lasted_until(seen) or 1 << 62
    return sum(
        is_early
        and seen.on_ms <= record.at_ms < until_ms
        and not _was_known(record, fault.device, seen.on_ms)
        for record in _releases(seen)
    )


def _lasted_until(seen: Seen) -> int | None:
    return seen.off_ms if seen.ending_ms is None else seen.ending_ms


def _was_known(decided: LaneRecord, device: str, on_ms: int) -> bool:
    """Whether the fact that the device gives was taken before the fault came."""
    fact = (decided.body.get("evidence") or {}).get(EVIDENCE.get(device, ""))
    return fact is not None and decided.at_ms - int(fact.get("age_ms", 0)) < on_ms


def _of(seen: Seen, kind: str) -> list[LaneRecord]:
    return [record for record in seen.records if record.kind == kind]


def _releases(seen: Seen) -> list[LaneRecord]:
    return [one for one in _of(seen, "passage_decided") if one.body["outcome"] == "release"]


def _played(scenario: Scenario, seen: Seen) -> Iterator[Said]:
    """A fault that never came has proved nothing, whatever the lane did."""
    if scenario.fault is not None and seen.on_ms is None:
        fault, phase = fault_word(scenario.fault), word(scenario.phase)
        yield said("problem.fault_never_came", fault=fault, phase=phase)


def _ends(seen: Seen) -> Iterator[Said]:
    closed = Counter(record.body["passage_id"] for record in _of(seen, "passage_closed"))
    for record in _of(seen, "passage_opened"):
        passage = record.body["passage_id"]
        if closed[passage] != 1:
            yield said("problem.closed_times", passage=passage, times=closed[passage])


def _boom(scenario: Scenario, seen: Seen) -> Iterator[Said]:
    """Nothing rises without a release on record, nobody leaves without one.

    A raise contact that welds opens the boom, once.
    """
    allowed = len(_releases(seen)) + len(_released_by_person(seen))
    if seen.raises > allowed + (scenario.fault == WELDED):
        yield said("problem.boom_opened", raises=seen.raises, allowed=allowed)
    if seen.forced and not _moves_boom(scenario):
        yield said("problem.boom_forced", times=seen.forced)
    if seen.left_by == "exit" and not allowed:
        yield said("problem.left_unreleased")


def _moves_boom(scenario: Scenario) -> bool:
    """Whether the fault itself is of the boom or its limit switches."""
    return scenario.fault is not None and FAULTS[scenario.fault].device in ("bus", "barrier")


def _forbidden(scenario: Scenario, seen: Seen) -> Iterator[Said]:
    if count := unproved_releases(scenario, seen):
        fault = fault_word(scenario.fault or "")
        yield said("problem.released_meanwhile", times=count, fault=fault)
    for record in _releases(seen):
        card = (record.body["evidence"].get("card") or {}).get("uid", "")
        if card in (EARLIER_CARD, EARLIER_PERSON):
            yield said("problem.card_of_another")


def _conditions(scenario: Scenario, seen: Seen) -> Iterator[Said]:
    """The lasting condition is on record as long as the fault is there, and over when it is."""
    fault = FAULTS[scenario.fault] if scenario.fault else None
    ending_ms = _lasted_until(seen)
    if fault is None or fault.code is None or seen.on_ms is None or ending_ms is None:
        return
    told = [one for one in _of(seen, "fault_changed") if one.body["code"] == fault.code]
    meanwhile = [one for one in told if one.at_ms <= ending_ms]
    if not any(one.body["raised"] for one in meanwhile):
        if _must_be_told(scenario, fault.code, ending_ms - seen.on_ms):
            yield said("problem.not_on_record", code=fault.code)
    elif not meanwhile[-1].body["raised"] and meanwhile[-1].at_ms <= ending_ms - SLACK_MS:
        yield said("problem.told_over", code=fault.code)
    if told and told[-1].body["raised"]:
        yield said("problem.still_on_record", code=fault.code)
    took_ms = recovery_ms(scenario, seen)
    if took_ms is not None and took_ms > RECOVERY_MAX_MS:
        yield said("problem.over_late", code=fault.code, took_ms=took_ms)


def _must_be_told(scenario: Scenario, code: str, lasted_ms: int) -> bool:
    """Whether the fault was there long enough; of a sign only a text that is sent tells."""
    if scenario.phase is Phase.BEFORE:
        return lasted_ms >= TOLD_AFTER_MS
    return lasted_ms >= TOLD_LATER_MS and code not in UNSEEN_UNTIL_USED


def _expected(scenario: Scenario, seen: Seen) -> Iterator[Said]:
    expected = scenario.expected
    decided, closed = _of(seen, "passage_decided"), _of(seen, "passage_closed")
    verdict = decided[-1].body if decided else {}
    end = closed[-1].body if closed else {}
    reasons = _reasons(verdict)
    if expected.outcome and verdict.get("outcome") != expected.outcome:
        yield said(
            "problem.verdict",
            outcome=word(verdict.get("outcome")),
            reasons=reasons,
            expected=word(expected.outcome),
        )
    if expected.reason and expected.reason not in verdict.get("reasons", ()):
        wanted = _reason(expected.reason)
        yield said("problem.reason_missing", expected=wanted, reasons=reasons)
    if expected.left and seen.left_by != expected.left:
        left, wanted = word(seen.left_by), word(expected.left)
        yield said("problem.left_by", left=left, expected=wanted)
    alarms = {record.body["code"] for record in _of(seen, "alarm_raised")}
    if expected.alarm and expected.alarm not in alarms:
        yield said("problem.not_on_record", code=expected.alarm)
    refused = {record.body["why"] for record in _of(seen, "command_refused")}
    if expected.refused and expected.refused not in refused:
        yield said("problem.not_refused", why=expected.refused)
    by_person = bool(end) and end["decided_by"] not in ("lane", "")
    if expected.by and by_person != (expected.by == "person"):
        by = str(end.get("decided_by"))
        yield said("problem.decided_by", by=by, expected=word(expected.by))


def _carried_out(scenario: Scenario, seen: Seen) -> Iterator[Said]:
    """What a person releases drives out, or the record says that the boom could not be raised."""
    if scenario.person != "release":
        return
    if not _released_by_person(seen):
        yield said("problem.release_not_on_record")
    elif seen.left_by != "exit" and not any(
        RELEASE_FAILED in one.body["reasons"] for one in _of(seen, "passage_decided")
    ):
        yield said("problem.release_not_done")


def _released_by_person(seen: Seen) -> list[LaneRecord]:
    return [one for one in _of(seen, "passage_overridden") if one.body["decision"] == "release"]


def _reasons(verdict: dict[str, Any]) -> Said:
    found = tuple(_reason(reason) for reason in verdict.get("reasons", ()))
    return listed(found) if found else word("no_reason")


def _reason(reason: str) -> Said:
    """A reason in the words of the supervisor's screen, and by its code."""
    known = catalogue().get(f"reason.{reason}")
    return Said(zh=reason if known is None else known["zh"], en=reason)


def _clips(scenario: Scenario, seen: Seen) -> Iterator[Said]:
    """A clip that a record names is whole and of this passage; a filmed truck is on one."""
    for clip in seen.clips or ():
        passage, wanted = clip.passage_id, scenario.expected.clip
        if wanted == "kept" and not clip.clip_id:
            yield said("problem.no_clip", passage=passage)
        elif wanted == "none" and clip.clip_id:
            yield said("problem.clip_of_a_dead_camera", passage=passage)
        elif clip.clip_id and not clip.is_there:
            yield said("problem.clip_away", passage=passage)
        elif clip.clip_id and not clip.fits:
            yield said("problem.clip_hash", passage=passage)
        elif clip.clip_id and clip.of != passage:
            yield said("problem.clip_of", passage=passage, other=clip.of)
        elif clip.clip_id and wanted == "kept":
            yield from _whole(clip, is_simulated=seen.is_film_simulated)


def _whole(clip: ClipSeen, *, is_simulated: bool) -> Iterator[Said]:
    """From before the arrival to after the departure; in pictures where those are known."""
    begins_late = is_simulated and not (clip.is_empty_first and clip.has_vehicle)
    if clip.begins_ms > clip.arrived_ms or begins_late:
        yield said("problem.clip_late", passage=clip.passage_id)
    is_cut = clip.clear_ms is not None and clip.written_ms < clip.clear_ms
    if is_cut or (is_simulated and not clip.is_empty_last):
        yield said("problem.clip_short", passage=clip.passage_id)
