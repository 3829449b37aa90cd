"""Driver name in a lane file -> protocol. A new indicator is one codec file and one line here.

`devices/registry.py` makes a driver of each, `devices/sim` a simulator, `hil_tests/fuzz/codecs.py`
holds each to the laws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceConfigError
from devices.weighbridge.codecs import (
    and_standard,
    mt_sics,
    rinstrum,
    sma,
    toledo,
    yaohua,
    yaohua_a12,
    yaohua_command,
    yaohua_equals,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.weighbridge.indication import IndicatorProtocol

_PLAIN: tuple[IndicatorProtocol, ...] = (
    yaohua.PROTOCOL,
    yaohua_equals.LOW_FIRST,
    yaohua_equals.HIGH_FIRST,
    yaohua_a12.PROTOCOL,
    toledo.PLAIN,
    toledo.SUMMED,
    mt_sics.PROTOCOL,
    sma.PROTOCOL,
    rinstrum.FORMAT_A,
    rinstrum.FORMAT_C,
    and_standard.PROTOCOL,
)


def protocols(address: int = 1) -> Mapping[str, IndicatorProtocol]:
    """Every protocol by name; `address` (1..26) is the indicator's number where one is needed."""
    known = (*_PLAIN, yaohua_command.protocol(address))
    return {protocol.name: protocol for protocol in known}


def protocol_named(name: str, address: int = 1) -> IndicatorProtocol:
    """The protocol `name`, with the indicator numbered `address` (1..26).

    Raises:
        DeviceConfigError: no protocol has that name.
    """
    known = protocols(address)
    if name not in known:
        raise DeviceConfigError(
            f"weighbridge.driver: unknown driver {name!r}; known are {', '.join(known)}"
        )
    return known[name]
