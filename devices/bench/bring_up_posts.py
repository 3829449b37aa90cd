"""Bringing into service what posts: that the lane listens, and that a post comes and is taken.

Why a post was not taken only the lane's own listener can say: a camera that is set wrongly says
nothing itself.
"""

from __future__ import annotations

import ipaddress
import re
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from devices.bench.bare_line import READ_S
from devices.bench.bring_up import SKIP, Finding, bad, good, skipped
from devices.camera.refusals import Refusal
from devices.errors import LinkDown

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.camera.listener import Posting, PostListener
    from devices.camera.refusals import RefusedPost

R = TypeVar("R")
_BETWEEN = re.compile(r"[\s·.\-]")
_ADVICE = {
    Refusal.STRANGER: "{peer} may not post: {table}.allow, if that is the camera",
    Refusal.BUSY: "too many connections at a time: what else posts here?",
    Refusal.TLS: "it speaks HTTPS: set HTTP in the camera",
    Refusal.NO_POST: "{said} is no POST: the camera's kind of upload, or no camera at all",
    Refusal.PATH: "it posts to {said}: {table}.path, or the path in the camera",
    Refusal.NO_LENGTH: "it does not say how long its post is: switch chunked transfer off",
    Refusal.TOO_LARGE: "over {table}.body_max_kb = {body_max_kb}: smaller pictures, or fewer",
    Refusal.ANONYMOUS: "it sends no password: user {user} in the camera, by digest",
    Refusal.NOT_LET_IN: "it comes as {said}: the user is {user}, by digest (MD5), or the passwords"
    " differ",
    Refusal.CUT: "it hangs up within its post: the network between (MTU, Wi-Fi), its supply",
    Refusal.NO_READING: 'it posts as another make does: {table}.driver = "{said}"',
}


class PostsWalk(ABC, Generic[R]):
    """What a camera posts, and what the lane's own listener says of it. `table` is the file's."""

    def __init__(self, session: Session, table: str, config: Posting) -> None:
        self._session = session
        self._table = table
        self._posting = config
        self._seen: R | None = None

    @abstractmethod
    def _listener(self) -> PostListener[R]:
        """The lane's own; not open."""

    @abstractmethod
    def _said(self, reading: R) -> str:
        """A reading in words."""

    @abstractmethod
    def _no_reading(self) -> str:
        """What to do where something came and no reading of this kind was in it."""

    def can_come(self) -> Finding:
        """Whether the lane can listen where its file says."""
        camera = self._listener()
        try:
            camera.open()
            place = camera.place
        except LinkDown as exc:
            return bad(
                str(exc),
                "in use: the lane holds it, stop it: systemctl stop gate-agent@LANE",
                f"cannot assign: {self._table}.listen is no address of this machine: ip address",
                "denied: a port below 1024",
            )
        finally:
            camera.close()
        user = (
            f", as {self._posting.username}" if self._posting.username else ", without a password"
        )
        return good(f"{place}{user}, from {', '.join(self._posting.allow)}")

    def come(self) -> Finding:
        """Whether a post arrives; where none does, what the listener refused."""
        wait_s = self._session.wait_s
        question = (
            f"let a vehicle come, or trigger the camera; Enter starts {wait_s:g} s, or skip: "
        )
        if self._session.ask("vehicle", question) == SKIP:
            return skipped("nobody triggers the camera")
        refused: dict[Refusal, RefusedPost] = {}
        seen, place = self._listened(wait_s, refused)
        if seen is not None:
            self._seen = seen
            return good(self._said(seen))
        if Refusal.NOT_LET_IN in refused:
            refused.pop(Refusal.ANONYMOUS, None)  # the first half of the same attempt
        if refused:
            advice = [
                advice_on(each, self._table, self._posting, self._no_reading())
                for each in refused.values()
            ]
            peers = ", ".join(dict.fromkeys(each.peer for each in refused.values()))
            return bad(f"no reading in {wait_s:g} s, but {peers} was there", *advice)
        return bad(f"nothing was posted to {place} in {wait_s:g} s", *self._why_nothing())

    def _listened(self, for_s: float, refused: dict[Refusal, RefusedPost]) -> tuple[R | None, str]:
        """The first reading, and where it was waited for; the last of each refusal is kept."""
        clock, camera = self._session.clock, self._listener()
        camera.open()
        try:
            until_s = clock.now().mono_s + for_s
            while clock.now().mono_s < until_s:
                for post in camera.read(READ_S):
                    return post, camera.place
                refused.update({each.refusal: each for each in camera.refusals()})
            return None, camera.place
        finally:
            camera.close()

    def _why_nothing(self) -> tuple[str, ...]:
        config = self._posting
        usual = (
            f"in the camera: this machine's address, port {config.port}, path {config.path}",
            "its network: cable, mask, another subnet or VLAN: ping it from here",
            f"a firewall on this machine: let {config.port}/tcp in",
            "it saw no vehicle: its trigger (loop, line in the picture), its recognition is off",
        )
        with suppress(ValueError):
            if ipaddress.ip_address(config.listen).is_loopback:
                listen = f'{self._table}.listen = "{config.listen}" hears this machine only'
                return (listen, *usual)
        return usual


def advice_on(refused: RefusedPost, table: str, config: Posting, no_reading: str) -> str:
    """What to set where, for a cause that the listener saw."""
    if refused.refusal is Refusal.NO_READING and not refused.said:
        return no_reading
    return _ADVICE[refused.refusal].format(
        table=table,
        peer=refused.peer,
        said=ascii(refused.said) if not refused.said.isprintable() else refused.said,
        user=config.username,
        body_max_kb=config.body_max_kb,
    )


def plain(text: str) -> str:
    """A plate or number without what people write between its characters, in capitals."""
    return _BETWEEN.sub("", text).upper()
