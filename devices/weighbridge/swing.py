"""Where a swinging weight must come to rest: an interval, long before the value stands still. Pure.

A vehicle that has stopped on a platform swings on its springs; the reading swings with it about
the weight it will settle at. This module follows the highs and lows of that swing and names an
interval in which the settled weight must lie, or none.

Why it holds. Readings x of one damped mode about the weight w fulfill, at any sampling rate,
x[n+1] - w = 2 r cos(a) (x[n] - w) - r^2 (x[n-1] - w) with r <= 1. A high below w would need
x[n+1] + r^2 x[n-1] <= -(1 + r^2) p and >= -2 r p at once, p being how far below it lies; that
contradicts (1 - r)^2 > 0. So every high lies above w and every low below it, aliased or not, and w
lies between the lowest low and the highest high. For several modes at once that is no theorem,
so the interval also covers every reading of `WINDOW_S`, a whole period of the slowest mode, and
a margin; tests/property/test_swing_bracket.py shows on tens of thousands of simulated swings
that it holds for them.

When there is none. Fewer than three turns seen, fewer frames than `MIN_FRAMES` in the window, a
swing that grows instead of dying (an axle rolls, somebody steps on or off, the load moves), or
any reading beyond the swing before it: the interval waits. A slow force that lasts longer than
the window (wind, creep) is no different from weight; `MARGIN_DIVISIONS` covers two divisions of
it, and the settled weight, which is still taken afterwards, tells of more.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 0.85  # a period of the slowest swing, 1.2 Hz
MIN_FRAMES = 8  # in the window: a slower indicator gives settled weights only
TURNS = 3  # a whole swing: high, low, high or the other way round
TURN_DIVISIONS = 3  # a turn is a reversal of at least this much, above noise and rounding
TURN_PERCENT = 25  # and of this much of the window's span, above the ripple of other modes
GROWTH_PERCENT = 25  # of the swing: what coarse sampling may make a dying swing seem to grow
MARGIN_DIVISIONS = 3
MARGIN_PERCENT = 10  # of the swing

DEAD_S = 0.25  # no swing dies within
DEAD_DIVISIONS = 8  # from more than this to rest
DEAD_PERCENT = 20  # of the load at most: a wider change is an axle that rolls on or off

Interval = tuple[int, int]


class SwingBracket:
    """Follows one indicator's readings, in order of arrival; `clear` it where they break off."""

    def __init__(self, division_kg: int) -> None:
        self._division_kg = division_kg
        self._recent: deque[tuple[float, int]] = deque()
        self._turns: deque[tuple[float, int]] = deque(maxlen=TURNS + 1)
        self._furthest_s = 0.0
        self._rising: bool | None = None
        self._furthest_kg = 0  # since the last turn, in the direction of the swing

    def clear(self) -> None:
        """Forget everything: what comes next is another load, or comes after a gap."""
        self._recent.clear()
        self._turns.clear()
        self._rising = None

    def feed(self, gross_kg: int, at_s: float) -> Interval | None:
        """Take the next value; the (low, high) kg in which it will settle, None: not proved."""
        self._recent.append((at_s, gross_kg))
        while len(self._recent) > 1 and self._recent[1][0] <= at_s - WINDOW_S:
            self._recent.popleft()
        seen_kg = [kg for _, kg in self._recent]
        low_kg, high_kg = min(seen_kg), max(seen_kg)
        self._follow(gross_kg, at_s, low_kg, high_kg)
        while self._turns and self._grows():
            self._turns.popleft()  # of another load, or of a swing that something disturbed
        is_long_enough = at_s - self._recent[0][0] >= WINDOW_S and len(self._recent) >= MIN_FRAMES
        if not is_long_enough or len(self._turns) < TURNS:
            return None
        last = (*(kg for _, kg in list(self._turns)[-TURNS:]), self._furthest_kg)
        return self._around(min(low_kg, *last), max(high_kg, *last))

    @property
    def since_s(self) -> float:
        """When the oldest reading came that the interval rests on."""
        used = [at_s for at_s, _ in list(self._turns)[-TURNS:]] + [self._recent[0][0]]
        return min(used)

    def stopped_dead(self, rested_s: float) -> bool:
        """Whether the readings were still wide apart when the rest began at `rested_s`.

        A swing dies by degrees, and a vehicle that stops swings: 8 divisions a quarter of a second
        before a rest within one is more than springs can do, whether a turn was seen or not.
        Readings that stop so are repeated, not weighed.
        """
        before_kg = [kg for at_s, kg in self._recent if rested_s - DEAD_S <= at_s <= rested_s]
        if not before_kg:
            return False
        wide_kg = max(before_kg) - min(before_kg)
        is_swing = wide_kg * 100 <= DEAD_PERCENT * before_kg[-1]
        return is_swing and wide_kg > DEAD_DIVISIONS * self._division_kg

    def _follow(self, gross_kg: int, at_s: float, low_kg: int, high_kg: int) -> None:
        """Keep the turns. Where the readings began is no turn: it only gives the direction."""
        reversal_kg = max(
            TURN_DIVISIONS * self._division_kg, (high_kg - low_kg) * TURN_PERCENT // 100
        )
        if self._rising is None:
            if max(high_kg - gross_kg, gross_kg - low_kg) >= reversal_kg:
                self._rising = gross_kg - low_kg > high_kg - gross_kg
                self._furthest_kg, self._furthest_s = gross_kg, at_s
            return
        ahead_kg = gross_kg - self._furthest_kg
        if not self._rising:
            ahead_kg = -ahead_kg
        if ahead_kg >= 0:
            self._furthest_kg, self._furthest_s = gross_kg, at_s
        elif -ahead_kg >= reversal_kg:
            self._turns.append((self._furthest_s, self._furthest_kg))
            self._rising = not self._rising
            self._furthest_kg, self._furthest_s = gross_kg, at_s

    def _grows(self) -> bool:
        """Whether a turn, or the way since the last one, went further out than the turn before."""
        extremes = [*(kg for _, kg in self._turns), self._furthest_kg]
        for before, between, after in zip(extremes, extremes[1:], extremes[2:], strict=False):
            outward_kg = after - before if before > between else before - after
            allowed_kg = self._division_kg + abs(before - between) * GROWTH_PERCENT // 100
            if outward_kg > allowed_kg:
                return True
        return False

    def _around(self, low_kg: int, high_kg: int) -> Interval:
        margin_kg = (
            MARGIN_DIVISIONS * self._division_kg + (high_kg - low_kg) * MARGIN_PERCENT // 100
        )
        return low_kg - margin_kg, high_kg + margin_kg
