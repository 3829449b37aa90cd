"""A boom and its barrier controller, as physics: three contacts in, two limit switches out.

The controller is the usual industrial one. It acts on the closing of a contact (an impulse, not
a held button), raise beats lower, and it has its own safety loop: it never starts to close while
that loop is occupied and opens again when the loop becomes occupied during closing. Software in
the lane is never the only protection; this is the part that would protect even without it.

Times are monotonic seconds handed in. `contact` may be called from any thread (the Modbus
host's); everything else belongs to the thread that calls `advance`. A contact takes effect at
its own time stamp, however rarely `advance` is called, and the stamps of the limit switches are
the moments of physics, not those of the tick that noticed them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

TRAVEL_S = 1.5  # from one limit to the other
REVERSES_BELOW = 0.7  # where a boom that `reverses` turns


class BoomContact(StrEnum):
    """The dry contacts of a barrier controller."""

    RAISE = "raise"
    LOWER = "lower"
    STOP = "stop"


@dataclass(slots=True, kw_only=True)
class BoomFaults:
    """What is broken. Set from any thread; it counts from the next `advance`."""

    jammed: bool = False  # the drive turns, the boom does not move
    jam_at: float | None = None  # it stops when it passes this position (0 down .. 1 up)
    slow_factor: float = 1.0  # 2.0 takes twice as long
    up_switch: bool | None = None  # the up limit switch sticks at this
    down_switch: bool | None = None
    fault_output: bool = False  # the controller's fault relay
    reverses: bool = False  # its safety loop is triggered by nothing, while the boom comes down


class SimBoom:
    """One boom. Position 0.0 is down, 1.0 is up; it starts down and at rest."""

    def __init__(self, *, travel_s: float = TRAVEL_S) -> None:
        """`travel_s` is the time from one limit to the other."""
        self.travel_s = travel_s
        self.faults = BoomFaults()
        self.position = 0.0
        self.direction = 0  # +1 rising, -1 falling, 0 at rest
        self.raise_count = 0  # closings of the raise contact
        self.opened_count = 0  # those of them that found the boom down
        self.lower_count = 0
        self.lower_ignored_count = 0  # by the controller's own safety, or while raise is held
        self.auto_reverse_count = 0
        self.raise_contact_s: float | None = None  # last closing of the raise contact
        self.up_limit_s: float | None = None  # when the up limit was last reached
        self.down_limit_s: float | None = None
        self._raise_held = False
        self._safety_occupied = False
        self._at_s: float | None = None
        self._contacts: deque[tuple[BoomContact, bool, float]] = deque()

    @property
    def up_limit(self) -> bool:
        """The up limit switch."""
        stuck = self.faults.up_switch
        return self.position >= 1.0 if stuck is None else stuck

    @property
    def down_limit(self) -> bool:
        """The down limit switch."""
        stuck = self.faults.down_switch
        return self.position <= 0.0 if stuck is None else stuck

    @property
    def fault_output(self) -> bool:
        """The controller's fault relay."""
        return self.faults.fault_output

    @property
    def is_falling(self) -> bool:
        """Whether the boom is moving down now."""
        return self.direction < 0 and not self.faults.jammed

    def contact(self, contact: BoomContact, on: bool, at_s: float) -> None:  # noqa: FBT001
        """A contact closed or opened at `at_s`. Any thread."""
        self._contacts.append((contact, on, at_s))

    def push_to(self, position: float) -> None:
        """Somebody moves the boom by hand, past the drive."""
        self.direction = 0
        self.position = min(1.0, max(0.0, position))

    def advance(self, now_s: float, *, safety_occupied: bool) -> None:
        """Let time pass until `now_s`; `safety_occupied` is the controller's loop, from now on."""
        if self._at_s is None:
            self._at_s = now_s
        comes_down = self.faults.reverses and self.is_falling and self.position < REVERSES_BELOW
        self._safety_occupied = safety_occupied or comes_down
        self._reverse_if_occupied(self._at_s)
        while self._contacts:
            contact, on, at_s = self._contacts.popleft()
            self._move_until(at_s)
            self._obey(contact, on, at_s)
        self._move_until(now_s)

    def _reverse_if_occupied(self, at_s: float) -> None:
        if self._safety_occupied and self.direction < 0:
            self.direction = 1
            self.auto_reverse_count += 1

    def _obey(self, contact: BoomContact, on: bool, at_s: float) -> None:  # noqa: FBT001
        match contact:
            case BoomContact.RAISE:
                self._raise_held = on
                if on:
                    self.raise_count += 1
                    self.opened_count += self.position <= 0.0
                    self.raise_contact_s = at_s
                    self.direction = 1
                    self._note_limits(at_s)
            case BoomContact.LOWER:
                if on and (self._raise_held or self._safety_occupied):
                    self.lower_ignored_count += 1
                elif on:
                    self.lower_count += 1
                    self.direction = -1
                    self._note_limits(at_s)
            case BoomContact.STOP:
                if on:
                    self.direction = 0
            case _:
                assert_never(contact)

    def _note_limits(self, at_s: float) -> None:
        """A command towards the limit where the boom already is has arrived at once."""
        if self.direction > 0 and self.position >= 1.0:
            self.direction, self.up_limit_s = 0, at_s
        elif self.direction < 0 and self.position <= 0.0:
            self.direction, self.down_limit_s = 0, at_s

    def _move_until(self, until_s: float) -> None:
        start_s = self._at_s if self._at_s is not None else until_s
        if until_s <= start_s:
            return
        self._at_s = until_s
        if not self.direction or self.faults.jammed:
            return
        full_s = self.travel_s * self.faults.slow_factor
        before = self.position
        after = before + self.direction * (until_s - start_s) / full_s
        jam_at = self.faults.jam_at
        if jam_at is not None and min(before, after) < jam_at < max(before, after):
            self.position, self.direction = jam_at, 0
        elif after >= 1.0:
            self.up_limit_s = start_s + (1.0 - before) * full_s
            self.position, self.direction = 1.0, 0
        elif after <= 0.0:
            self.down_limit_s = start_s + before * full_s
            self.position, self.direction = 0.0, 0
        else:
            self.position = after
