"""A hub that is told to stop stops, also in the moment in which it was about to do something."""

import asyncio
from pathlib import Path

from central.config import CentralConfig
from hil_tests.virtual_port.hub import VirtualHub
from hil_tests.virtual_port.loop import VirtualLoop, run
from hil_tests.virtual_port.network import SITE, Network


def test_a_hub_stops_though_a_new_version_was_announced_in_the_same_moment(tmp_path: Path) -> None:
    """Found by the virtual port (seed 10000): the cancellation was swallowed, the hub stayed."""
    loop = VirtualLoop()

    async def start_and_stop() -> float:
        config = CentralConfig(site=SITE, state=str(tmp_path), lanes=("lane1",))
        hub = VirtualHub(config, Network(loop, ["lane1"], 1))
        await hub.start()
        await asyncio.sleep(3.3)
        hub.distributor.announce()
        began_s = loop.time()
        await asyncio.wait_for(hub._end_tasks(), 60.0)
        await hub.stop()
        return loop.time() - began_s

    assert run(loop, start_and_stop()) < 5.0
