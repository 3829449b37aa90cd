"""The trucks of a simulated lane: made up, sent, and what became of each."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

from devices.bench.wording import said
from devices.sim.lane_world import TruckVisit
from devices.sim.truck import TruckSpec
from devices.texts import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.sim.bench import Bench
    from devices.sim.lane_world import VisitHandle
    from devices.texts import Said

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

    def send(self, *, gross_kg: float | None = None, card_uid: str | None = None) -> Said:
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
            return said("truck.sent", number=self._count, what=self._told(visit))

    def _told(self, visit: TruckVisit) -> Said:
        """What this lane's devices can see of a truck."""
        told = [said("truck.weight", gross_kg=visit.truck.gross_kg)]
        if visit.card_uid is not None:
            told.append(said("truck.card", uid=visit.card_uid))
        if self._bench.tag_reader is not None:
            told.append(said("truck.tag", tag=visit.tag_id or ""))
        if self._bench.plate_camera is not None:
            told.append(said("truck.plate", plate=visit.plate))
        if self._bench.container_camera is not None:
            told.append(said("truck.containers", numbers=", ".join(visit.containers)))
        return listed(told)

    def turn_back(self) -> None:
        """Tell every driver who is under way to back out."""
        with self._in_use:
            for _, handle in self._under_way:
                handle.turn_back()

    def gone(self) -> list[Said]:
        """What became of those that have left since this was last asked."""
        with self._in_use:
            left = [one for one in self._under_way if one[1].wait_gone(0)]
            self._under_way = [one for one in self._under_way if one not in left]
        return [_story(number, handle) for number, handle in left]


def _story(number: int, handle: VisitHandle) -> Said:
    way = said("truck.exit" if handle.left_by == "exit" else "truck.entry")
    if handle.stopped_s is None or handle.left_s is None:
        return said("truck.never_stopped", number=number, way=way)
    stood_s = handle.left_s - handle.stopped_s
    boom = said("truck.boom_never")
    if handle.boom_up_s is not None:
        boom = said("truck.boom_up", after_s=handle.boom_up_s - handle.stopped_s)
    return said("truck.left", number=number, way=way, stood_s=stood_s, boom=boom)
