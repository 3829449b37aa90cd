"""A person at a bench: what they take to answer is not held against the lane."""

import threading
from pathlib import Path

from devices.clock import ManualClock
from hil_tests.lane_bench.bench_file import load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.pool import BrokenBench, Pool
from hil_tests.lane_bench.prompts import Prompts

LANE1 = Path(__file__).parents[2] / "hil_tests" / "benches" / "lane1.toml"
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
