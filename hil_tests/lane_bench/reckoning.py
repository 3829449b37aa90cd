"""What a truck's course left: on record, at the boom, on film; held against the scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

import msgspec

from hil_tests.lane_bench.boom_watcher import Looked
from hil_tests.lane_bench.clips import clip_of
from hil_tests.lane_bench.course import TICK_S
from hil_tests.lane_bench.judge import LaneRecord, Seen, problems, recovery_ms, unproved_releases
from hil_tests.lane_bench.wording import said

if TYPE_CHECKING:
    from hil_tests.lane_bench.account import Account
    from hil_tests.lane_bench.course import Course
    from hil_tests.lane_bench.lane_site import LaneUnderTest
    from hil_tests.lane_bench.scenario import Scenario

SYNC_S = 10.0
TOLD_OVER_S = 5.0


class Reckoning:
    """Of one scenario: made before its truck comes, so that it knows what was there before."""

    def __init__(self, lane: LaneUnderTest, scenario: Scenario, account: Account) -> None:
        self._lane = lane
        self._scenario = scenario
        self._account = account
        lane.view.look()
        self._first_seq = lane.view.seq
        self._raises, self._forced = lane.raise_count, lane.forced_count
        self._violations = len(lane.violations)

    def judge(self, course: Course) -> None:
        """Compare with what the lane recorded; the truck is gone and the lane ready again."""
        self._wait_told_over()
        self._look_at_boom(course)
        records = self._records()
        closed = [record.body for record in records if record.kind == "passage_closed"]
        lane = self._lane
        clips = tuple(clip_of(lane.state_dir, body) for body in closed) if lane.is_filmed else None
        seen = Seen(
            records=records,
            clips=clips,
            is_film_simulated=lane.is_film_simulated,
            violations=tuple(lane.violations[self._violations :]),
            raises=lane.raise_count - self._raises,
            forced=lane.forced_count - self._forced,
            left_by=course.left_by,
            on_ms=course.fault.on_ms,
            ending_ms=course.fault.ending_ms,
            off_ms=course.fault.off_ms,
            is_by_hand=course.fault.is_by_hand,
        )
        account = self._account
        account.problems += problems(self._scenario, seen)
        account.recovery_ms = recovery_ms(self._scenario, seen)
        self._tell_unmeasured(course)
        account.unproved_releases = unproved_releases(self._scenario, seen)
        decided = [record.body for record in records if record.kind == "passage_decided"]
        if decided:
            account.verdict = str(decided[-1]["outcome"])
            account.reasons = tuple(decided[-1]["reasons"])

    def _look_at_boom(self, course: Course) -> None:
        """Nobody looks at a real boom unless a person does; say which."""
        match looked := self._lane.watcher.look():
            case Looked.BY_ITS_WORLD:
                return
            case Looked.WRONG:
                self._account.problems.append(said("problem.boom_seen"))
            case Looked.OBSERVED | Looked.NOT_OBSERVED:
                self._tell(course, f"boom_{looked.value}")
            case _:
                assert_never(looked)

    def _tell_unmeasured(self, course: Course) -> None:
        is_known = self._lane.faults.code_of(self._scenario.fault) is not None
        if is_known and course.fault.is_by_hand and self._account.recovery_ms is None:
            self._tell(course, "recovery_not_measured")

    def _wait_told_over(self) -> None:
        """Some conditions do not keep a lane from inviting: give it the time to tell their end."""
        code = self._lane.faults.code_of(self._scenario.fault)
        if code is not None:
            wait_untold(self._lane, code, TOLD_OVER_S)

    def _records(self) -> tuple[LaneRecord, ...]:
        """The lane's records since the beginning, once the hub has all of them."""
        self._lane.view.look()
        wanted, deadline_s = self._lane.view.seq, self._lane.lane_s + SYNC_S
        rows: list[tuple[Any, ...]] = self._lane.records_after(self._first_seq)
        while (not rows or rows[-1][0] < wanted) and self._lane.lane_s < deadline_s:
            self._lane.clock.sleep(0.1)
            rows = self._lane.records_after(self._first_seq)
        if wanted > self._first_seq and (not rows or rows[-1][0] < wanted):
            self._account.problems.append(said("problem.hub_lacks", seq=wanted))
        return tuple(
            LaneRecord(at_ms=at_ms, body=msgspec.json.decode(body)) for _, at_ms, body in rows
        )

    def _tell(self, course: Course, step: str) -> None:
        self._account.tell(self._lane.lane_s - course.began_s, step)


def wait_untold(lane: LaneUnderTest, code: str, most_s: float) -> None:
    """Wait for the lane to take back that it has condition `code`, no longer than `most_s`."""
    deadline_s = lane.lane_s + most_s
    while lane.lane_s < deadline_s:
        state = lane.view.look()
        if state is not None and code not in {fault.value for fault in state.faults}:
            return
        lane.clock.sleep(TICK_S)
