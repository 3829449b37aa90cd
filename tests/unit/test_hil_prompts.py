"""A person at a bench: what they take to answer is not held against the lane."""

import threading
from pathlib import Path

from devices.clock import ManualClock
from devices.sim.bench import DEVICES, Bench
from hil_tests.lane_bench.bench_file import load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.pool import BrokenBench, Pool
from hil_tests.lane_bench.prompts import Prompts
from hil_tests.lane_bench.shadow import Shadow
from hil_tests.lane_bench.trucks import Person, PromptedMover
from hil_tests.rig import Papers, devices_at

LANE1 = Path(__file__).parents[2] / "hil_tests" / "benches" / "lane1.toml"
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
REAL = {"bus", "card_reader", "camera"}
LIMIT_S = 20.0


def test_what_a_person_takes_to_answer_is_known_while_the_question_is_open_and_afterwards() -> None:
    clock = ManualClock()
    open_s = []

    def answer(text: str) -> str:
        clock.advance(1_000.0)
        open_s.append(prompts.waited_s)
        return f"{text} yes\n"

    prompts = Prompts(answer, clock)
    assert prompts("there?") == "there? yes\n"
    clock.advance(5.0)
    assert open_s == [1_000.0]
    assert prompts.waited_s == 1_000.0


def test_waiting_for_a_person_is_no_time_of_the_lane(tmp_path: Path) -> None:
    clock, asked, answered = ManualClock(), threading.Event(), threading.Event()

    def answer(_text: str) -> str:
        asked.set()
        answered.wait(LIMIT_S)
        return "\n"

    prompts, said = Prompts(answer, clock), []
    pool = Pool(tmp_path, load_bench(LANE1), LANE1, SCENARIOS[:1], clock, ask=prompts)

    def wait() -> None:
        try:
            pool.account(SCENARIOS[0].name, 5.0)
        except BrokenBench as exc:
            said.append(str(exc))

    person = threading.Thread(target=prompts, args=("drive onto the scale",))
    waiting = threading.Thread(target=wait)
    person.start()
    assert asked.wait(LIMIT_S)
    waiting.start()
    clock.advance(1_000.0)
    waiting.join(1.2)
    assert waiting.is_alive()
    answered.set()
    person.join(LIMIT_S)
    clock.advance(6.0)
    waiting.join(LIMIT_S)
    assert said == [f"{SCENARIOS[0].name} was not played in 5 s"]


def test_a_driver_is_told_in_chinese_and_english_what_to_do_and_of_real_devices_only(
    tmp_path: Path,
) -> None:
    told: list[str] = []

    def answer(text: str) -> str:
        told.append(text)
        return "e\n"

    bench = Bench(devices_at(tmp_path, 1, 2), ManualClock(), simulated=set(DEVICES) - REAL)
    shadow = Shadow(bench, tmp_path, ManualClock())
    places = iter([True, False])
    person = Person(tell=told.append, ask=answer, in_lane=lambda: next(places, False))
    mover = PromptedMover(person, bench, shadow)
    papers = Papers(plate="粤B12345", card_uid="8A2B3C4D", gross_kg=9_000)
    for name in ("card_two_seconds_late", "no_card", "plate_covered"):
        truck = mover.send(BY_NAME[name], papers, 7)
    truck.turn_back()
    truck.present_card(papers.card_uid)
    mover.hold_card(papers.card_uid)
    assert truck.has_stopped
    assert truck.is_gone
    assert truck.left_by == "entry"
    assert [text.splitlines()[1].strip() for text in told] == [
        "7. card_two_seconds_late: after Enter drive onto the scale; hold card 8A2B3C4D to the"
        " reader two seconds after you stand; Enter:",
        "7. no_card: after Enter drive onto the scale; hold no card to the reader; Enter:",
        "7. plate_covered: after Enter drive onto the scale; cover the plate first; hold card"
        " 8A2B3C4D to the reader once you stand; Enter:",
        "Back out through the entry now",
        "Hold card 8A2B3C4D to the reader again",
        "Hold card 8A2B3C4D to the reader, then Enter:",
        "Which way did the truck leave? x = exit, e = entry:",
    ]
    assert "先遮住车牌" in told[2]
    assert all("请" in text or "回车" in text for text in told)


def test_before_a_closed_lane_a_driver_stands_until_he_says_so_and_comes_in_when_it_is_open(
    tmp_path: Path,
) -> None:
    told: list[str] = []

    def answer(text: str) -> str:
        told.append(text)
        return "\n"

    bench = Bench(devices_at(tmp_path, 1, 2), ManualClock(), simulated=set(DEVICES) - REAL)
    person = Person(tell=told.append, ask=answer, in_lane=lambda: False)
    mover = PromptedMover(person, bench, Shadow(bench, tmp_path, ManualClock()))
    papers = Papers(plate="粤B12345", card_uid="8A2B3C4D", gross_kg=9_000)
    truck = mover.send(BY_NAME["lane_closed_until_opened_again"], papers, 7)
    assert not truck.has_stopped
    assert [text.splitlines()[1].strip() for text in told] == [
        "7. lane_closed_until_opened_again: the lane is closed. Drive up to it and stand before the"
        " entry loop, do not drive in; Enter once you stand there:"
    ]
    truck.come_in()
    assert [text.splitlines()[1].strip() for text in told[1:]] == [
        "The lane is open: once the entry lamp is green drive onto the scale; hold card 8A2B3C4D to"
        " the reader once you stand"
    ]
    assert "不要驶入" in told[0]
    assert "车道已开放" in told[1]
