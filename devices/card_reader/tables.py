"""What can be said of a card reader's table without a wire, a key or a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.card_reader import osdp, pcsc
from devices.card_reader.customs_card import blocks_of
from devices.card_reader.protocols import PROTOCOLS, spelling_of
from devices.errors import DeviceConfigError

if TYPE_CHECKING:
    from devices.config import CardReaderConfig


def check_table(config: CardReaderConfig) -> None:
    """Refuse what cannot work together.

    Raises:
        DeviceConfigError: the message begins with the key.
    """
    protocol = PROTOCOLS.get(config.driver)
    if protocol is not None:
        spelling_of(config, protocol.formats)
    if config.driver == "osdp":
        spelling_of(config, osdp.FORMATS)
    if config.driver == "pcsc":
        spelling_of(config, pcsc.FORMATS)
        for field, first_block in config.field_blocks.items():
            blocks_of(field, first_block)
    needs_key = config.driver == "osdp" or (config.driver == "pcsc" and config.field_blocks)
    if needs_key and not config.key_file:
        raise DeviceConfigError(f"card_reader.key_file: needed by {config.driver!r}")
