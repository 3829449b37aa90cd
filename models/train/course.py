"""What every course of training has: a net, its slow average, an optimizer, and a checkpoint.

The learning rate follows the minutes of the whole plan, not steps, because the machine may have
other work; earlier calls count in, since a checkpoint remembers the time that was spent.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import torch
from torch import Tensor, nn

_SAVE_EVERY_S: Final = 150.0
_GRADIENT_MAX: Final = 5.0

NetT = TypeVar("NetT", bound=nn.Module)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a course learns: a warm start, then down from `rate` to `rate_end` by a cosine.

    `minutes` is the whole plan. `memory` is what the slow average keeps of itself per step.
    """

    minutes: float
    rate: float
    rate_end: float
    warm_steps: int = 200
    memory: float = 0.998
    weight_decay: float = 0.02


class Course(Generic[NetT]):
    """One net being taught; starts afresh, or from `path` where that is a checkpoint.

    Raises:
        OSError: the checkpoint is there and cannot be read.
    """

    def __init__(self, net: NetT, average: NetT, path: Path, pace: Pace) -> None:
        """`average` is another net of the same make as `net`; `path` is the checkpoint."""
        self.net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = average
        self.step = 0
        self._spent_s = 0.0
        self._path = path
        self._pace = pace
        self._optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=pace.rate, weight_decay=pace.weight_decay
        )
        if path.is_file():
            kept: dict[str, Any] = torch.load(path, weights_only=True)
            self.net.load_state_dict(kept["net"])
            self._optimizer.load_state_dict(kept["optimizer"])
            self.average.load_state_dict(kept["average"])
            self.step, self._spent_s = int(kept["step"]), float(kept["spent_s"])
        else:
            self.average.load_state_dict(self.net.state_dict())
        self.net.train()
        self._noted_s = self._saved_s = time.perf_counter()

    @property
    def minutes(self) -> float:
        """Minutes of the plan that are used up."""
        return self._spent_s / 60

    @property
    def goes_on(self) -> bool:
        """Whether time is left; this is where time is counted, and a checkpoint saved when due."""
        now_s = time.perf_counter()
        self._spent_s += now_s - self._noted_s
        self._noted_s = now_s
        if now_s - self._saved_s > _SAVE_EVERY_S:
            self.save()
        return self._spent_s < self._pace.minutes * 60

    def learn(self, loss: Tensor) -> None:
        """One step down the slope of `loss`."""
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._descend()

    def replica(self, net: NetT) -> NetT:
        """`net` made to share the weights of this course's net, for another thread to learn on."""
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for theirs, ours in zip(net.modules(), self.net.modules(), strict=True):
            for name, parameter in ours.named_parameters(recurse=False):
                getattr(theirs, name).data = parameter.data
            for name, buffer in ours.named_buffers(recurse=False):
                setattr(theirs, name, buffer)
        net.train()
        return net

    def learn_from(self, replica: NetT) -> None:
        """One step with the gradients that a replica holds, which is then without any."""
        for ours, theirs in zip(self.net.parameters(), replica.parameters(), strict=True):
            ours.grad, theirs.grad = theirs.grad, None
        self._descend()

    def _descend(self) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), _GRADIENT_MAX)
        self._optimizer.step()
        self.step += 1
        self._follow()

    def _rate(self) -> float:
        pace = self._pace
        share = min(1.0, self._spent_s / (pace.minutes * 60))
        fall = 0.5 * (1 + math.cos(math.pi * share))
        warm = min(1.0, (self.step + 1) / pace.warm_steps)
        return (pace.rate_end + (pace.rate - pace.rate_end) * fall) * warm

    def _follow(self) -> None:
        """Moves the slow average toward the net; it follows faster in the beginning."""
        keep = min(self._pace.memory, (1 + self.step) / (10 + self.step))
        now = self.net.state_dict()
        with torch.no_grad():
            for name, mean in self.average.state_dict().items():
                if mean.dtype.is_floating_point:
                    mean.lerp_(now[name], 1 - keep)
                else:
                    mean.copy_(now[name])

    def save(self) -> None:
        """Written beside and moved into place, so that a kill never leaves half a file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".part")
        torch.save(
            {
                "net": self.net.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "step": self.step,
                "spent_s": self._spent_s,
            },
            beside,
        )
        beside.replace(self._path)
        self._saved_s = time.perf_counter()
        _log.info("step %d: checkpoint %s", self.step, self._path)


def load_taught(net: NetT, checkpoint: Path) -> tuple[NetT, int]:
    """`net` with the averaged weights of `checkpoint`, ready to be used; the steps it was taught.

    Raises:
        OSError: the checkpoint cannot be read.
    """
    kept: dict[str, Any] = torch.load(checkpoint, weights_only=True)
    net.load_state_dict(kept["average"])
    net.eval()
    return net, int(kept["step"])
