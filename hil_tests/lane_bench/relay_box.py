"""A box of relays plays the truck: it works the wires of a lane as the simulated truck drives.

The truck is the simulated world's, with its geometry, times and driver. Where the lane's board is
simulated its inputs are set there already; where it is real the box closes the loops and cuts the
beams, and what the driver sees (lamps, boom) is what the lane itself has committed, as with a
person at the wheel. What the box has no relay for does not happen.

A relay is drawn in for `HOLD_S` at a time where the box can end that by itself (`flash_on`), and
told again each second: a bench that is killed leaves no loop occupied and no load on a scale.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from devices.errors import DeviceError
from devices.lane_io.registers import board_of, lamp_coils
from devices.modbus import ModbusBus
from devices.readings import Lamp
from gate_agent.domain.signals import wanted_lamps
from gate_agent.domain.vocabulary import Barrier
from hil_tests.lane_bench.lane_view import LaneView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devices.clock import Clock
    from devices.sim.bench import Bench
    from gate_agent.domain.state import LaneState
    from hil_tests.lane_bench.bench_file import RelayBox

TURN_S = 0.01
REPEAT_S = 1.0  # a box that lost its supply is told again
HOLD_S = 5.0  # of nobody's telling until the box drops a relay by itself, if it can
TRIES = 5  # in a row without an answer: the bench is broken
POSITIONS = {Barrier.OPEN: 1.0, Barrier.CLOSED: 0.0}
BETWEEN = 0.5
SEEN = (Lamp.ENTRY_GREEN, Lamp.EXIT_GREEN)


class BoxDrive:
    """Works the relays of one box until stopped. `start`, `stop` from one thread, `check` any."""

    def __init__(self, box: RelayBox, bench: Bench, state_dir: Path, clock: Clock) -> None:
        """Opens nothing. Raises `DeviceConfigError` for a map file that cannot be used."""
        self._box = box
        self._bench = bench
        self._state_dir = state_dir
        self._clock = clock
        self._bus = ModbusBus(box.board, clock)
        self._map = board_of(bench.config.bus)
        self._told: dict[int, bool] = {}
        self._told_s = float("-inf")
        self._failure: DeviceError | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Take the box and let every relay drop. Raises a `DeviceError` naming it."""
        self._bus.open()
        self._tell(dict.fromkeys(self._wanted(), False))
        self._thread = threading.Thread(target=self._run, name="relay-box", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave an empty lane behind, as far as the box can be reached. May be called twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._let_all_drop()
            self._thread = None
        self._bus.close()

    def check(self) -> None:
        """Raise the `DeviceError` that ended it, if one did."""
        if self._failure is not None:
            raise self._failure

    def _let_all_drop(self) -> None:
        """Over a link of its own where the last one has gone."""
        for _ in range(TRIES):
            self._told_s = float("-inf")  # each relay, whatever it was told before
            with suppress(DeviceError):
                if not self._bus.is_open:
                    self._bus.open()
                self._tell(dict.fromkeys(self._wanted(), False))
                return

    # -- below: the box's thread

    def _run(self) -> None:
        view, failures = LaneView(self._state_dir), 0
        while not self._stopping.wait(TURN_S):
            if "bus" not in self._bench.simulated and (state := view.look()) is not None:
                self._show(state)
            try:
                self._tell(self._wanted())
                failures = 0
            except DeviceError as exc:
                failures += 1
                self._told_s = float("-inf")
                if failures == TRIES:
                    self._failure = exc
                    break
        view.close()

    def _show(self, state: LaneState) -> None:
        """Let the simulated driver see the lane's own lamps and boom."""
        world, now_s = self._bench.world, self._clock.now().mono_s
        lit = {lamp.value for lamp in wanted_lamps(state)}
        coils = lamp_coils(self._map)
        for lamp in SEEN:
            world.on_coil(coils[lamp], lamp.value in lit, now_s)
        world.boom.push_to(POSITIONS.get(state.barrier, BETWEEN))

    def _wanted(self) -> dict[int, bool]:
        """Each relay of the box as the truck has it now."""
        sensors = self._bench.sensors_on()
        wanted = {relay: wire in sensors for wire, relay in self._box.wires.items()}
        if self._box.load is not None and self._box.load_kg is not None:
            wanted[self._box.load] = self._bench.world.weight_kg() > self._box.load_kg / 2
        return wanted

    def _tell(self, wanted: Mapping[int, bool]) -> None:
        """Switch what has changed, and now and then everything. Raises a `DeviceError`."""
        now_s = self._clock.now().mono_s
        is_due = now_s - self._told_s > REPEAT_S
        for relay, on in wanted.items():
            if is_due or self._told.get(relay) is not on:
                self._switch(relay, on=on)
                self._told[relay] = on
        if is_due:
            self._told_s = now_s

    def _switch(self, relay: int, *, on: bool) -> None:
        if on and self._bus.ends_pulses:
            self._bus.pulse_coil(relay, HOLD_S)
        else:
            self._bus.write_coil(relay, on)
