"""What the parser of container posts promises, whatever is posted. A body comes whole."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.container_camera.codecs import http_json
from devices.container_camera.codecs.http_json import NUMBER_MAX, NUMBERS_MAX
from gate_agent.domain.containers import is_container_number, normalize_container

NUMBERS = st.lists(
    st.from_regex(r"[A-Z]{4} ?[0-9]{6}-?[0-9]", fullmatch=True)
    | st.text(max_size=NUMBER_MAX).filter(lambda text: text.isprintable()),
    max_size=NUMBERS_MAX,
).map(tuple)


@given(NUMBERS)
def test_what_the_simulator_posts_is_what_the_lane_reads(numbers: tuple[str, ...]) -> None:
    kind, body = http_json.encode(numbers)
    assert kind == "application/json"
    assert http_json.decode(body) == numbers


@given(st.integers(0, 2**32), NUMBERS)
def test_a_damaged_post_never_raises_and_gives_no_number_that_was_not_in_it(
    seed: int, numbers: tuple[str, ...]
) -> None:
    chance = random.Random(seed)
    damaged = bytearray(http_json.encode(numbers)[1])
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(damaged) + 1)
        match chance.randrange(3):
            case 0:
                damaged[at:at] = chance.randbytes(chance.randint(1, 9))
            case 1:
                del damaged[at : at + chance.randint(1, 40)]
            case _:
                damaged[at : at + 1] = chance.randbytes(1)
    _holds(bytes(damaged))


@given(
    st.binary(max_size=400)
    | st.text(max_size=200).map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=30),
        lambda inner: (
            st.lists(inner, max_size=6)
            | st.dictionaries(st.sampled_from(["containers", "x"]), inner, max_size=2)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_is_posted_is_read_within_bounds_or_not_at_all(body: bytes) -> None:
    _holds(body)


def _holds(body: bytes) -> None:
    numbers = http_json.decode(body)
    assert numbers == http_json.decode(body)
    if numbers is None:
        return
    assert len(numbers) <= NUMBERS_MAX
    said = json.loads(body)["containers"]
    assert list(numbers) == said
    assert all(len(number) <= NUMBER_MAX for number in numbers)


@given(NUMBERS.filter(bool), st.data())
def test_a_post_that_breaks_off_is_no_reading(
    numbers: tuple[str, ...], data: st.DataObject
) -> None:
    body = http_json.encode(numbers)[1]
    assert http_json.decode(body[: data.draw(st.integers(0, len(body) - 1))]) is None


@pytest.mark.parametrize("piece", [b"[", b"{", b'{"containers":[', b'"', b"\r\n", b"\xff"])
def test_a_flood_of_one_thing_is_no_reading(piece: bytes) -> None:
    assert http_json.decode(piece * 50_000) is None


def test_other_keys_are_passed_over_and_an_empty_list_is_a_sign_of_life() -> None:
    body = b'{"lane": 3, "containers": ["CSQU3054383"], "camera": {"id": "x"}}'
    assert http_json.decode(body) == ("CSQU3054383",)
    assert http_json.decode(b'{"containers": []}') == ()
    many = json.dumps({"containers": ["CSQU3054383"] * (NUMBERS_MAX + 1)}).encode()
    assert http_json.decode(many) is None
    assert http_json.decode(json.dumps({"containers": ["X" * (NUMBER_MAX + 1)]}).encode()) is None


@given(st.from_regex(r"[A-Z]{3}U[0-9]{6}", fullmatch=True), st.integers(0, 9), st.integers(0, 9))
def test_one_wrong_digit_is_found_by_the_check_digit(serial: str, place: int, other: int) -> None:
    """A misreading passes by chance only where two or more characters are wrong."""
    digits = [d for d in "0123456789" if is_container_number(f"{serial}{d}")]
    assert len(digits) == 1
    number = f"{serial}{digits[0]}"
    at = 4 + place % 7
    if number[at] != str(other):
        wrong = f"{number[:at]}{other}{number[at + 1 :]}"
        assert not is_container_number(wrong) or "0" in (number[10], wrong[10])
    spaced = f" {number[:4].lower()} {number[4:10]}-{number[10]} "
    assert normalize_container(spaced) == number
