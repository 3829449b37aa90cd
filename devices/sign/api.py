"""What a lane's text sign is, with or without a voice.

Contract
- A message is known by its code; its words come with it, because a driver knows no language.
- `show` returns when the message is on the wire, or confirmed where the protocol confirms. It
  raises a `DeviceError` when that failed; then the sign shows what it showed before, or nothing.
- A sign shows, and nothing else: no safety and no verdict rests on it. A message is worth showing
  again (signs lose power); it is spoken only where `spoken` is not empty.
- A message that cannot be written in the sign's alphabet loses the characters, never the message.
- `close` blanks nothing: what stands there is the last that the lane said. The lane says that it is
  out of service before it closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SignMessage:
    """One message. `lines` is one text a line of the sign, from the top; `spoken` may be ""."""

    code: str
    lines: tuple[str, ...]
    spoken: str = ""


class TextSign(Protocol):
    """A sign. One thread uses it; another may `close` it."""

    def open(self) -> None:
        """Take the wire. Raises `LinkDown` naming the place; on an open sign opens it again."""
        ...

    def show(self, message: SignMessage) -> None:
        """Show it, and speak it where it is to be spoken. Raises a `DeviceError`."""
        ...

    def close(self) -> None:
        """Give the wire back. May be called twice."""
        ...
