"""Driver name in a lane file -> driver. Plain dictionaries: a new driver is a line here.

Cameras and the Modbus board choose by their own keys (`camera.driver`, `bus.transport`).
Every name here has a table in `quality.toml`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from devices.camera.listener import allowed_networks
from devices.camera.opening import kind_of
from devices.card_reader.driver import ListeningCardReader
from devices.card_reader.osdp import OsdpCardReader
from devices.card_reader.pcsc import PcscCardReader
from devices.card_reader.protocols import PROTOCOLS as CARD_PROTOCOLS
from devices.card_reader.resident_id import ResidentIdReader
from devices.card_reader.tables import check_table
from devices.errors import DeviceConfigError
from devices.lane_io.registers import board_of
from devices.sign.opening import check_sign
from devices.tag_reader.driver import UhfTagReader
from devices.weighbridge.driver import ContinuousWeighbridge
from devices.weighbridge.polled import PolledWeighbridge
from devices.weighbridge.protocols import protocol_named, protocols

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.card_reader.api import CardReader
    from devices.clock import Clock
    from devices.config import (
        CardReaderConfig,
        DevicesConfig,
        TagReaderConfig,
        WeighbridgeConfig,
    )
    from devices.tag_reader.api import TagReader
    from devices.weighbridge.api import Weighbridge

D = TypeVar("D")


def _weighbridge(config: WeighbridgeConfig, clock: Clock) -> Weighbridge:
    protocol = protocol_named(config.driver, config.address)
    driver = ContinuousWeighbridge if protocol.poll is None else PolledWeighbridge
    return driver(protocol, config, clock)


WEIGHBRIDGES: Mapping[str, Callable[[WeighbridgeConfig, Clock], Weighbridge]] = dict.fromkeys(
    protocols(), _weighbridge
)


def _listening(config: CardReaderConfig, clock: Clock) -> CardReader:
    return ListeningCardReader(CARD_PROTOCOLS[config.driver], config, clock)


CARD_READERS: Mapping[str, Callable[[CardReaderConfig, Clock], CardReader]] = {
    **dict.fromkeys(CARD_PROTOCOLS, _listening),
    "resident-id": ResidentIdReader,
    "osdp": OsdpCardReader,
    "pcsc": PcscCardReader,
}
TAG_READERS: Mapping[str, Callable[[TagReaderConfig, Clock], TagReader]] = {
    "uhf-reader18": UhfTagReader,
}


def open_weighbridge(config: WeighbridgeConfig, clock: Clock) -> Weighbridge:
    """The weighbridge that the lane file names. Its wire is taken by its own `open()`.

    Raises:
        DeviceConfigError: no driver has that name.
    """
    return _named(WEIGHBRIDGES, config.driver, "weighbridge.driver")(config, clock)


def open_card_reader(config: CardReaderConfig, clock: Clock) -> CardReader:
    """The card reader that the lane file names. Its wire is taken by its own `open()`.

    Raises:
        DeviceConfigError: no driver has that name.
    """
    return _named(CARD_READERS, config.driver, "card_reader.driver")(config, clock)


def open_tag_reader(config: TagReaderConfig, clock: Clock) -> TagReader:
    """The tag reader that the lane file names. Its wire is taken by its own `open()`.

    Raises:
        DeviceConfigError: no driver has that name.
    """
    return _named(TAG_READERS, config.driver, "tag_reader.driver")(config, clock)


def check(config: DevicesConfig) -> None:
    """Say before anything is opened what opening would say of names that do not fit together.

    Raises:
        DeviceConfigError: the message begins with the key.
    """
    _named(WEIGHBRIDGES, config.weighbridge.driver, "weighbridge.driver")
    _named(CARD_READERS, config.card_reader.driver, "card_reader.driver")
    check_table(config.card_reader)
    if config.tag_reader is not None:
        _named(TAG_READERS, config.tag_reader.driver, "tag_reader.driver")
        _check_tells_tags(config.tag_reader)
    board_of(config.bus)
    if config.bus.transport == "rtu" and not config.bus.serial_port:
        raise DeviceConfigError('bus.serial_port: needed where transport is "rtu"')
    if config.lane_camera is not None:
        kind_of(config.lane_camera)
    kind_of(config.camera)
    if config.sign is not None:
        check_sign(config.sign)
    if config.plate_camera is not None:
        allowed_networks("plate_camera", config.plate_camera)
    if config.container_camera is not None:
        allowed_networks("container_camera", config.container_camera)


def _check_tells_tags(config: TagReaderConfig) -> None:
    """So many answers must fit into the time that they count for: else no tag is ever told."""
    takes_s = (config.reads_min - 1) * config.poll_s
    if takes_s >= config.repeat_s:
        raise DeviceConfigError(
            f"tag_reader.reads_min: {config.reads_min} answers, one in {config.poll_s:g} s, take "
            f"{takes_s:g} s and count for {config.repeat_s:g} (repeat_s): no tag would ever be told"
        )


def _named(drivers: Mapping[str, D], name: str, key: str) -> D:
    if name not in drivers:
        raise DeviceConfigError(f"{key}: unknown driver {name!r}; known are {', '.join(drivers)}")
    return drivers[name]
