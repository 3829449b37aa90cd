"""A bad cable around a good transport: the same seed gives the same damage."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.link import Transport


class ChaosTransport:
    """Damages what is read: bytes lost, noise added, chunks cut anywhere. Adds no delay.

    `loss` and `noise` are probabilities per byte (0..1): that it vanishes, that one to eight
    random bytes appear before it. `chunk_max_bytes` bounds what one `read` returns; cuts are
    random below it. What is written passes untouched.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        seed: int,
        loss: float = 0.0,
        noise: float = 0.0,
        chunk_max_bytes: int = 5,
    ) -> None:
        self._inner = inner
        self._random = random.Random(seed)  # noqa: S311  repeatable damage, not secrets
        self._loss = loss
        self._noise = noise
        self._chunk_max_bytes = chunk_max_bytes
        self._waiting = b""

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """As the inner transport, damaged. May return b"" before the time is over."""
        if not self._waiting:
            self._waiting = self._damaged(self._inner.read(max_bytes, timeout_s))
        cut = self._random.randint(1, max(1, min(self._chunk_max_bytes, max_bytes)))
        received, self._waiting = self._waiting[:cut], self._waiting[cut:]
        return received

    def write(self, payload: bytes) -> None:
        """As the inner transport."""
        self._inner.write(payload)

    def close(self) -> None:
        """As the inner transport; damaged bytes not yet read are dropped."""
        self._inner.close()

    def _damaged(self, chunk: bytes) -> bytes:
        damaged = bytearray()
        for byte in chunk:
            if self._random.random() < self._noise:
                damaged += self._random.randbytes(self._random.randint(1, 8))
            if self._random.random() >= self._loss:
                damaged.append(byte)
        return bytes(damaged)
