"""Scripts of the virtual port: made from a number, written to a file, made shorter."""

import random

import pytest

from gate_agent.domain.vocabulary import Barrier
from hil_tests.virtual_port.loop import StalledError, VirtualLoop, run
from hil_tests.virtual_port.place import Boom
from hil_tests.virtual_port.script import (
    IMPOSTORS,
    Bad,
    Kind,
    Script,
    Trouble,
    Truck,
    from_text,
    papers,
    to_text,
    write_script,
)
from hil_tests.virtual_port.shrink import shrink, until
from hil_tests.virtual_port.traffic import Vehicle, one_character_off


def test_a_script_is_the_same_after_its_file() -> None:
    script = write_script(4, passages=60, lanes=5)
    assert from_text(to_text(script)) == script
    assert script == write_script(4, passages=60, lanes=5)
    assert {choice.lane for choice in script.choices if choice.lane > 0} == {1, 2, 3, 4, 5}


def test_everything_that_can_come_or_go_wrong_is_in_a_day() -> None:
    choices = write_script(2, passages=4_000, lanes=40).choices
    assert {c.kind for c in choices if isinstance(c, Truck)} == set(Kind)
    assert {c.kind for c in choices if isinstance(c, Trouble)} == set(Bad)


def test_among_impostors_there_are_only_the_owners_of_papers_that_are_shown_again() -> None:
    trucks = write_script(1, passages=500, lanes=8, impostors=True, is_calm=True).choices
    assert {truck.kind for truck in trucks} == {Kind.GOOD, *IMPOSTORS}
    assert sum(truck.kind is Kind.GOOD for truck in trucks) < 100


def test_taking_a_choice_out_leaves_the_papers_of_the_others_as_they_were() -> None:
    assert papers(3, 17) == papers(3, 17)
    assert papers(3, 17) != papers(3, 18)
    assert papers(4, 17) != papers(3, 17)


def test_a_shrunk_script_holds_just_what_is_needed_to_fail() -> None:
    script = write_script(2, passages=300, lanes=20)
    numbers = {script.choices[40].number, script.choices[200].number}
    tries = [0]

    def fails(shorter: Script) -> bool:
        tries[0] += 1
        return numbers <= {choice.number for choice in shorter.choices}

    found = shrink(script, fails, lambda: False)
    assert {choice.number for choice in found.choices} == numbers
    assert tries[0] < 200


def test_what_comes_after_the_failure_is_cut_off() -> None:
    script = write_script(2, passages=50, lanes=2)
    assert max(choice.at_s for choice in until(script, 100.0).choices) <= 100.0


@pytest.mark.parametrize("kind", [Kind.WRONG_PLATE, Kind.WRONG_CARD, Kind.OVERWEIGHT, Kind.CLONED])
def test_an_impostor_deviates_from_its_papers_in_what_its_name_says(kind: Kind) -> None:
    for number in range(1, 200):
        one = Vehicle(1, Truck(number=number, lane=1, at_s=0.0, kind=kind))
        assert (one.plate != one.papers.plate) == (kind is Kind.WRONG_PLATE)
        assert (one.card_uid != one.papers.card_uid) == (kind is Kind.WRONG_CARD)
        off_kg = abs(one.gross_kg - one.papers.gross_kg)
        tolerance_kg = max(400, one.papers.gross_kg * 30 // 1000)
        assert (off_kg > tolerance_kg) == (kind in (Kind.OVERWEIGHT, Kind.CLONED)), one.papers


def test_a_plate_that_is_one_character_off_is_another_plate_of_the_same_length() -> None:
    rng = random.Random(1)
    for _ in range(100):
        wrong = one_character_off("粤AB12345", rng)
        assert sum(a != b for a, b in zip(wrong, "粤AB12345", strict=True)) == 1


def test_time_leaps_and_a_loop_in_which_nothing_will_happen_says_so() -> None:
    loop = VirtualLoop()
    moved: list[float] = []
    boom = Boom(loop, lambda: moved.append(loop.time()))

    async def wait() -> None:
        boom.raise_it()
        loop.call_later(86_400.0, boom.lower_it)
        await loop.create_future()

    with pytest.raises(StalledError):
        run(loop, wait())
    assert boom.position is Barrier.CLOSED
    assert moved == [0.0, 1.5, 86_400.0, 86_401.5]
