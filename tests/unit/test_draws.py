"""Draws: nobody steers them, anybody can redo them."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter

from gate_agent.domain.draws import commitment, draw

SECRET = bytes(range(32))


def test_an_auditor_redoes_a_draw_with_nothing_but_the_secret_and_the_page_that_says_how() -> None:
    drawn = draw(SECRET, "2026-09", "D1")
    message = b"inspect\x1f2026-09\x1fD1"
    digest = hmac.new(SECRET, message, hashlib.sha256).digest()
    assert drawn.inspect_permille == int.from_bytes(digest[:8], "big") % 1000
    assert commitment(SECRET) == hashlib.sha256(SECRET).hexdigest()


def test_backing_out_and_coming_back_draws_the_same_number_again() -> None:
    assert draw(SECRET, "2026-09", "D1") == draw(SECRET, "2026-09", "D1")


def test_another_period_secret_or_declaration_draws_anew() -> None:
    numbers = {
        (each.inspect_permille, each.review_permille)
        for each in (
            draw(SECRET, "2026-09", "D1"),
            draw(SECRET, "2026-10", "D1"),
            draw(SECRET[::-1], "2026-09", "D1"),
            draw(SECRET, "2026-09", "D2"),
        )
    }
    assert len(numbers) == 4


def test_a_share_of_a_tenth_draws_a_tenth_and_the_purposes_are_independent() -> None:
    drawn = [draw(SECRET, "2026-09", f"D{number}") for number in range(20_000)]
    inspected = [each.inspect_permille < 100 for each in drawn]
    reviewed = [each.review_permille < 100 for each in drawn]
    both = sum(a and b for a, b in zip(inspected, reviewed, strict=True))
    assert 1_830 < sum(inspected) < 2_170  # four standard deviations
    assert 1_830 < sum(reviewed) < 2_170
    assert 144 < both < 256
    tens = Counter(each.inspect_permille // 100 for each in drawn)
    assert set(tens) == set(range(10))
