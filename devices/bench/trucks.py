"""The trucks of a simulated lane: made up, sent, and what became of each."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

from devices.sim.lane_world import TruckVisit
from devices.sim.truck import TruckSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.sim.bench import Bench
    from devices.sim.lane_world import VisitHandle

PATIENCE_S = 120.0  # a driver whom nobody serves backs out, so that the bench never jams
LOADS_KG = (8_400.0, 48_000.0)
BOXES = ("CSQU3054383", "MSKU1234565", "TEMU4002178", "COSU6620519")


class Trucks:
    """Sends trucks into one bench. Any thread may call.

    `pictures`: of each truck in turn the plate, "" where one is to be made up, and the JPEG.
    """

    def __init__(self, bench: Bench, pictures: Sequence[tuple[str, bytes]], seed: int) -> None:
        self._bench = bench
        self._pictures = pictures
        self._chance = random.Random(seed)  # noqa: S311 - weights and cards of simulated trucks
        self._under_way: list[tuple[int, VisitHandle]] = []
        self._count = 0
        self._in_use = threading.Lock()

    def send(self, *, gross_kg: float | None = None, card_uid: str | None = None) -> str:
        """Send the next truck, made up where nothing is given; what it is, in words.

        Raises:
            ValueError: a weight or card that no truck can have.
        """
        with self._in_use:
            plate, picture = self._pictures[self._count % len(self._pictures)]
            visit = TruckVisit(
                truck=TruckSpec(
                    gross_kg=gross_kg or round(self._chance.uniform(*LOADS_KG), -1),
                    settle_s=self._chance.uniform(1.5, 3.0),
                    patience_s=PATIENCE_S,
                    seed=self._count,
                ),
                picture=picture,
                card_uid=card_uid or self._chance.randbytes(4).hex().upper(),
                tag_id=f"E200{self._chance.randbytes(10).hex().upper()}",
                plate=plate or f"粤B{self._chance.randrange(100_000):05d}",
                containers=(BOXES[self._count % len(BOXES)],),
            )
            handle = self._bench.world.send(visit)
            self._count += 1
            self._under_way.append((self._count, handle))
            return f"truck {self._count}: {self._told(visit)}"

    def _told(self, visit: TruckVisit) -> str:
        """What this lane's devices can see of a truck."""
        told = [f"{visit.truck.gross_kg:.0f} kg", f"card {visit.card_uid}"]
        if self._bench.tag_reader is not None:
            told.append(f"tag {visit.tag_id}")
        if self._bench.plate_camera is not None:
            told.append(f"plate {visit.plate}")
        if self._bench.container_camera is not None:
            told.append(f"container {', '.join(visit.containers)}")
        return ", ".join(told)

    def turn_back(self) -> None:
        """Tell every driver who is under way to back out."""
        with self._in_use:
            for _, handle in self._under_way:
                handle.turn_back()

    def gone(self) -> list[str]:
        """What became of those that have left since this was last asked."""
        with self._in_use:
            left = [one for one in self._under_way if one[1].wait_gone(0)]
            self._under_way = [one for one in self._under_way if one not in left]
        return [_story(number, handle) for number, handle in left]


def _story(number: int, handle: VisitHandle) -> str:
    if handle.stopped_s is None or handle.left_s is None:
        return f"truck {number}: left by the {handle.left_by} without stopping"
    stood_s = handle.left_s - handle.stopped_s
    boom = "the boom never rose"
    if handle.boom_up_s is not None:
        boom = f"boom up {handle.boom_up_s - handle.stopped_s:.1f} s after it stopped"
    return f"truck {number}: left by the {handle.left_by} {stood_s:.1f} s after it stopped, {boom}"
