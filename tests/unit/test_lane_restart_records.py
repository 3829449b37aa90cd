"""What a restart leaves in the record."""

from __future__ import annotations

from gate_agent.domain.decision import Reason
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import FaultChanged, PassageClosed, Timeline
from gate_agent.domain.vocabulary import Instant, Left, Outcome, PassageId, Phase
from gate_agent.wire import convert, v1
from tests.builders import POLICY, LaneStory


def test_a_fault_that_a_restart_forgets_is_recorded_as_ended() -> None:
    lane = LaneStory().ready().fault(FaultCode.SCALE_LINK)

    lane.starts()

    changes = [(change.code, change.raised) for change in lane.records(FaultChanged)]
    assert changes == [(FaultCode.SCALE_LINK, True), (FaultCode.SCALE_LINK, False)]


def test_a_reboot_in_mid_passage_leaves_no_negative_times_in_the_record() -> None:
    before_reboot = Instant(9_000.0, 1_790_000_000_000)
    after_reboot = Instant(40.0, 1_790_000_120_000)
    closed = PassageClosed(
        passage_id=PassageId("lane1-00000000-000001"),
        outcome=Outcome.HOLD,
        decided_by="lane",
        left=Left.UNSEEN,
        arrived_at=before_reboot,
        timeline=Timeline(
            plate=before_reboot, card=before_reboot, weight=before_reboot, raise_sent=after_reboot
        ),
    )

    body = convert.body_of(closed)

    assert isinstance(body, v1.PassageClosed)
    assert body.timeline.raise_sent_ms == 120_000
    assert body.timeline.decision_us is None


def test_a_vehicle_that_is_found_on_the_platform_is_a_persons_within_seconds() -> None:
    lane = LaneStory().ready().sees(rear_beam=True)
    assert lane.phase is Phase.GATHERING

    lane.passes(POLICY.unexpected_gather_s + 0.1)
    lane.manifest_answers()

    assert lane.phase is Phase.HELD
    assert Reason.UNEXPECTED_VEHICLE in lane.verdict[1]
