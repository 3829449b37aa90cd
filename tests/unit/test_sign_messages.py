"""What a driver reads and hears at each step, in both languages."""

import pytest

from devices.clock import ManualClock
from devices.config import SignConfig
from devices.errors import LinkDown
from devices.sign.api import SignMessage
from gate_agent.adapters.sign import SignAdapter, message_of
from gate_agent.domain.decision import OUTCOME_OF, Reason
from gate_agent.domain.effects import Show, Sign
from gate_agent.domain.vocabulary import Outcome
from gate_agent.texts.catalogue import Language, text
from tests.builders import LaneStory, a_declaration

BOTH: tuple[Language, ...] = ("zh", "en")


@pytest.mark.parametrize("sign", list(Sign))
def test_every_sign_is_said_in_both_languages(sign: Sign) -> None:
    message = message_of(Show(sign=sign), BOTH, is_spoken=True)
    assert message.code == sign.value
    assert message.lines == (text(f"sign.{sign.value}", "zh"), text(f"sign.{sign.value}", "en"))
    assert message.spoken == message.lines[0]


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("sign", [Sign.WAIT_FOR_OFFICER, Sign.TURN_BACK])
def test_who_is_held_or_turned_back_is_told_what_to_do(sign: Sign, reason: Reason) -> None:
    message = message_of(Show(sign=sign, reason=reason), BOTH, is_spoken=True)
    assert message.code == f"{sign.value}.{reason.value}"
    for line, language in zip(message.lines, BOTH, strict=True):
        assert line.startswith(text(f"sign.{sign.value}", language))
        assert line.casefold().endswith(text(f"reason_driver.{reason.value}", language).casefold())
        assert len(line.encode("gb18030")) <= 200


def shown(story: LaneStory) -> Show:
    return story.all(Show)[-1]


def at_the_verdict() -> LaneStory:
    return LaneStory().ready().truck_arrives().plate_is_read().drives_on().card().passes(0.1)


def test_a_driver_without_a_declaration_is_told_to_declare_first() -> None:
    story = at_the_verdict()
    story.declarations = ()
    story.manifest_answers()
    assert shown(story) == Show(sign=Sign.TURN_BACK, reason=Reason.NO_DECLARATION)


def test_a_held_driver_is_told_what_to_do_about_the_first_reason() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read(confidence_permille=100)
    for _ in range(5):
        story.plate_is_read(confidence_permille=100)
    story.drives_on().card().passes(0.1).manifest_answers()
    assert story.verdict[0] is Outcome.HOLD
    assert shown(story).sign is Sign.WAIT_FOR_OFFICER
    assert shown(story).reason is Reason.PLATE_DOUBTFUL


def test_nobody_is_told_who_wants_him_inspected() -> None:
    story = at_the_verdict().manifest_answers(a_declaration(holds=("customs",)))
    assert story.verdict[0] is Outcome.INSPECT
    assert shown(story) == Show(sign=Sign.GO_TO_INSPECTION)
    for reason, outcome in OUTCOME_OF.items():
        if outcome is Outcome.INSPECT:
            assert text(f"reason_driver.{reason.value}", "zh") == "请到查验区"


class _Sign:
    """Notes what it is shown; `error` is raised while it is set."""

    def __init__(self) -> None:
        self.shown: list[SignMessage] = []
        self.error: LinkDown | None = None

    def open(self) -> None: ...

    def close(self) -> None: ...

    def show(self, message: SignMessage) -> None:
        if self.error is not None:
            raise self.error
        self.shown.append(message)


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sign = _Sign()
        self.adapter = SignAdapter(
            self.sign, SignConfig(driver="http", url="http://sign/"), self.clock
        )
        self.adapter.open()


def test_until_the_lane_says_otherwise_it_is_out_of_service() -> None:
    bench = Bench()
    assert bench.adapter.serve()
    assert [message.code for message in bench.sign.shown] == ["out_of_service"]
    assert bench.sign.shown[0].spoken == ""


def test_only_the_newest_message_is_shown_and_spoken_once() -> None:
    bench = Bench()
    bench.adapter.serve()
    for sign in (Sign.PULL_FORWARD, Sign.PRESENT_CARD):
        bench.adapter.order(Show(sign=sign))
    bench.adapter.serve()
    bench.clock.advance(21.0)
    bench.adapter.serve()
    assert [message.code for message in bench.sign.shown[1:]] == ["present_card", "present_card"]
    assert [bool(message.spoken) for message in bench.sign.shown[1:]] == [True, False]


def test_a_sign_that_is_back_shows_the_present_and_says_nothing_old() -> None:
    bench = Bench()
    bench.adapter.serve()
    bench.sign.error = LinkDown("sign: gone")
    bench.adapter.order(Show(sign=Sign.PROCEED))
    with pytest.raises(LinkDown):
        bench.adapter.serve()
    bench.adapter.close()
    bench.sign.error = None
    bench.adapter.open()
    bench.adapter.serve()
    assert bench.sign.shown[-1].code == "proceed"
    assert bench.sign.shown[-1].spoken == ""


def test_a_lane_that_stops_says_that_it_is_out_of_service() -> None:
    bench = Bench()
    bench.adapter.order(Show(sign=Sign.WELCOME))
    bench.adapter.serve()
    bench.adapter.close()
    assert [message.code for message in bench.sign.shown] == ["welcome", "out_of_service"]
