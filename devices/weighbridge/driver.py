"""Driver of indicators that send their value by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import LinkDown
from devices.line_device import LineDevice
from devices.weighbridge.indication import Heard, IndicatorFrame, reading_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import WeighbridgeConfig
    from devices.link import Transport
    from devices.readings import WeighbridgeReading
    from devices.weighbridge.indication import IndicatorProtocol

SILENT_S = 3.0  # an indicator says something several times a second; this long means the wire


class ContinuousWeighbridge(LineDevice[Heard]):
    """An indicator with continuous output. Fulfills `devices.weighbridge.api.Weighbridge`."""

    def __init__(
        self,
        protocol: IndicatorProtocol,
        config: WeighbridgeConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        super().__init__(
            "weighbridge", config, clock, make_decoder=protocol.make_decoder, connect=connect
        )
        self._config = config
        self._heard_s = 0.0

    def open(self) -> None:
        """Take the wire; see the contract in `api`."""
        super().open()
        self._heard_s = self._clock.now().mono_s

    def read(self, timeout_s: float) -> list[WeighbridgeReading]:
        """Wait up to `timeout_s` for bytes; see the contract in `api`."""
        frames = self._stream.read(timeout_s)
        now_s = self._clock.now().mono_s
        if frames:
            self._heard_s = now_s
        elif now_s - self._heard_s > SILENT_S:
            raise LinkDown(
                f"weighbridge: no good frame for {now_s - self._heard_s:.1f} s on "
                f"{self._place}, {self.discarded_bytes} bytes discarded so far"
            )
        return [
            reading_of(
                frame,
                received_s=received_s,
                division_kg=self._config.division_kg,
                unit=self._config.unit,
            )
            for frame, received_s in frames
            if isinstance(frame, IndicatorFrame)
        ]
