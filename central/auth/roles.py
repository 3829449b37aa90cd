"""The three roles. Each may do everything that the one before it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person or a program may do.

    A viewer sees; a supervisor also decides about vehicles and lanes; an administrator also
    changes the manifest. A supervisor cannot import declarations: whoever decides about a
    vehicle at the window should not be able to write the declaration that clears it.
    """

    VIEWER = "viewer"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


_RANK = {Role.VIEWER: 0, Role.SUPERVISOR: 1, Role.ADMINISTRATOR: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an account is limited to: passages of these lanes, and of this agency."""

    lanes: tuple[str, ...] = ()  # empty: of every lane
    agency: str = ""  # whose answer or hold the declaration names; "": of any


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a request comes from; `name` is what the audit log and the lane's record show."""

    name: str
    role: Role
    by_token: bool = False
    scope: Scope | None = None  # None: the whole port

    def may(self, needed: Role) -> bool:
        """Whether this identity's role includes `needed`."""
        return _RANK[self.role] >= _RANK[needed]
