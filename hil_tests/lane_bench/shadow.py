"""The shadow of a real truck: what the simulated devices of its lane see while a person drives.

Where the board is real and the scale, a reader or a camera is not, the lane's own loops and beams,
as it has committed them, say where the truck is. Its plate is then in the simulated picture, its
weight on the simulated scale and its driver's card at the simulated reader.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hil_tests.lane_bench.lane_view import LaneView

if TYPE_CHECKING:
    from pathlib import Path

    from devices.clock import Clock
    from devices.sim.bench import Bench
    from devices.sim.lane_world import TruckVisit
    from gate_agent.domain.state import Inputs

TURN_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a truck is, by two loops and two beams. What cannot be read is as it was."""

    entry_loop: bool = False
    rear_beam: bool = False
    front_beam: bool = False
    exit_loop: bool = False
    is_on_scale: bool = False  # wholly

    @property
    def is_here(self) -> bool:
        """Whether it is before the scale or on it."""
        return self.is_on_scale or self.entry_loop or self.rear_beam or self.front_beam

    def after(self, inputs: Inputs) -> Whereabouts:
        """Where it is now.

        A tail that has passed the rear beam leaves the entry loop clear; a nose that backs out
        through it, or a drawbar, does not. What clears the front beam over the exit loop is out.
        """
        now = replace(
            self,
            entry_loop=_read(inputs.entry_loop, self.entry_loop),
            rear_beam=_read(inputs.rear_beam, self.rear_beam),
            front_beam=_read(inputs.front_beam, self.front_beam),
            exit_loop=_read(inputs.exit_loop, self.exit_loop),
        )
        if self.rear_beam and not now.rear_beam:
            return replace(now, is_on_scale=not now.entry_loop)
        if self.front_beam and not now.front_beam and now.exit_loop:
            return replace(now, is_on_scale=False)
        return now


def _read(level: bool | None, last: bool) -> bool:  # noqa: FBT001 - a switch
    return last if level is None else level


class Shadow:
    """One lane's. `start`, `stop` from one thread, `expect` from another."""

    def __init__(self, bench: Bench, state_dir: Path, clock: Clock) -> None:
        self._bench = bench
        self._state_dir = state_dir
        self._clock = clock
        self._visit: TruckVisit | None = None
        self._where = Whereabouts()
        self._on_s: float | None = None
        self._has_held = False  # its card to the reader
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Follow what comes."""
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave no thread. May be called twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def expect(self, visit: TruckVisit) -> None:
        """The truck that comes next, with what the simulated devices are to see of it."""
        self._has_held = False
        self._visit = visit

    def follow(self, inputs: Inputs, now_s: float) -> None:
        """Show the truck where it is. For the own thread, or for a test by hand."""
        self._where = self._where.after(inputs)
        visit, is_on = self._visit, self._where.is_on_scale
        if visit is None:
            return
        shown = visit if self._where.is_here else None
        self._bench.show(shown, weight_kg=visit.truck.gross_kg if is_on else 0.0)
        if not is_on:
            self._on_s = None
        elif self._on_s is None:
            self._on_s = now_s
        elif not self._has_held and now_s - self._on_s >= visit.truck.card_after_s:
            self._has_held = True
            if visit.card_uid is not None:
                self._bench.card_reader.present(visit.card_uid)

    def _run(self) -> None:
        view = LaneView(self._state_dir)
        while not self._stopping.wait(TURN_S):
            if (state := view.look()) is not None:
                self.follow(state.inputs, self._clock.now().mono_s)
        view.close()
