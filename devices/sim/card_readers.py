"""From the reader that a lane file names to its simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.card_reader.keys import read_key
from devices.card_reader.osdp import FORMATS as OSDP_FORMATS
from devices.card_reader.osdp_line import KEY_BYTES
from devices.card_reader.protocols import PROTOCOLS, spelling_of
from devices.errors import DeviceConfigError
from devices.sim.card_reader import SimCardReader
from devices.sim.osdp_reader import SimOsdpReader
from devices.sim.pcsc_reader import SimPcscReader
from devices.sim.resident_id_reader import SimResidentIdReader

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.config import CardReaderConfig
    from devices.sim.card_reader import SimulatedCardReader
    from devices.sim.line_host import LineHost


def sim_card_reader(config: CardReaderConfig, host: LineHost, clock: Clock) -> SimulatedCardReader:
    """The simulator of the reader that a lane file names, at the far end of the line `host`.

    Raises:
        DeviceConfigError: there is no simulator for it, or its table cannot work.
    """
    if config.driver == "resident-id":
        return SimResidentIdReader(host, clock)
    if config.driver == "osdp":
        return SimOsdpReader(
            host,
            address=config.address,
            key=read_key(config.key_file, KEY_BYTES),
            spelling=spelling_of(config, OSDP_FORMATS),
        )
    if config.driver == "pcsc":
        return SimPcscReader(config)
    protocol = PROTOCOLS.get(config.driver)
    if protocol is None:
        raise DeviceConfigError(f"card_reader.driver: no simulator for {config.driver!r}")
    return SimCardReader(host, protocol=protocol, spelling=spelling_of(config, protocol.formats))
