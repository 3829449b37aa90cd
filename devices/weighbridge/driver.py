"""Driver of indicators that send their value by themselves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from devices.errors import LinkDown
from devices.frame_stream import FrameStream
from devices.transports.opening import open_transport
from devices.weighbridge.indication import Heard, IndicatorFrame, reading_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import WeighbridgeConfig
    from devices.link import Transport
    from devices.readings import WeighbridgeReading
    from devices.weighbridge.indication import IndicatorProtocol

SILENT_S = 3.0  # an indicator says something several times a second; this long means the wire


class ContinuousWeighbridge:
    """An indicator with continuous output. Fulfills `devices.weighbridge.api.Weighbridge`.

    `connect` opens the wire; the default takes `config.port` and `config.baud`.
    """

    def __init__(
        self,
        protocol: IndicatorProtocol,
        config: WeighbridgeConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._stream: FrameStream[Heard] = FrameStream(
            "weighbridge",
            connect=connect or partial(open_transport, config.port, config.baud),
            make_decoder=protocol.make_decoder,
            clock=clock,
        )
        self._heard_s = 0.0

    @property
    def good_frames(self) -> int:
        """Frames accepted since this object was made."""
        return self._stream.good_frames

    @property
    def discarded_bytes(self) -> int:
        """Bytes since this object was made that belonged to no good frame."""
        return self._stream.discarded_bytes

    def open(self) -> None:
        """Take the wire; see the contract in `api`."""
        self._stream.open()
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
                f"{self._config.port} at {self._config.baud} baud, "
                f"{self.discarded_bytes} bytes discarded so far"
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

    def close(self) -> None:
        """Give the wire back; see the contract in `api`."""
        self._stream.close()
