"""Why something that came to the lane's listener became no reading. For whoever sets up a camera.

A camera that is set wrongly says nothing itself; the listener is the only one that knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """The cause."""

    STRANGER = "stranger"  # its address is not in `allow`
    BUSY = "busy"  # too many connections at a time
    TLS = "tls"  # it speaks HTTPS
    NO_POST = "no_post"  # HTTP, but no POST; or no HTTP at all
    PATH = "path"  # posted to another path
    NO_LENGTH = "no_length"  # the post does not say how long it is
    TOO_LARGE = "too_large"  # it says that it is larger than `body_max_kb`
    ANONYMOUS = "anonymous"  # no user was named; every digest begins so
    NOT_LET_IN = "not_let_in"  # scheme, user or password is not ours, or was used before
    CUT = "cut"  # the connection ended within the post
    NO_READING = "no_reading"  # taken, and no reading of this make was in it


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPost:
    """One of them. `peer` is an address; `said` is what the other end said, at most 80 characters.

    `said` is the path, the first line, the scheme and user of a password, or the driver that would
    have read it; "" where there is nothing to say. It never holds a password.
    """

    peer: str
    refusal: Refusal
    said: str = ""
