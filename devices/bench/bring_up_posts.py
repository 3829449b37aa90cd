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
from devices.bench.bring_up import SKIP, Finding, bad, good, log_text, skipped
from devices.bench.wording import said
from devices.camera.refusals import Refusal
from devices.errors import LinkDown

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.camera.listener import Posting, PostListener
    from devices.camera.refusals import RefusedPost
    from devices.texts import Said

R = TypeVar("R")
_BETWEEN = re.compile(r"[\s·.\-]")


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
    def _words(self, reading: R) -> Said:
        """A reading in words."""

    @abstractmethod
    def _no_reading(self) -> Said:
        """What to do where something came and no reading of this kind was in it."""

    def can_come(self) -> Finding:
        """Whether the lane can listen where its file says."""
        camera = self._listener()
        try:
            camera.open()
            place = camera.place
        except LinkDown as exc:
            return bad(
                log_text(exc),
                said("post.in_use"),
                said("post.cannot_assign", table=self._table),
                said("post.denied"),
            )
        finally:
            camera.close()
        who = said("post.no_password")
        if self._posting.username:
            who = said("post.by_user", user=self._posting.username)
        allowed = ", ".join(self._posting.allow)
        return good(said("post.listens", place=place, who=who, allowed=allowed))

    def come(self) -> Finding:
        """Whether a post arrives; where none does, what the listener refused."""
        wait_s = self._session.wait_s
        if self._session.ask("vehicle", said("post.let_come", wait_s=wait_s)) == SKIP:
            return skipped(said("post.nobody_triggers"))
        refused: dict[Refusal, RefusedPost] = {}
        seen, place = self._listened(wait_s, refused)
        if seen is not None:
            self._seen = seen
            return good(self._words(seen))
        if Refusal.NOT_LET_IN in refused:
            refused.pop(Refusal.ANONYMOUS, None)  # the first half of the same attempt
        if refused:
            advice = [
                advice_on(each, self._table, self._posting, self._no_reading())
                for each in refused.values()
            ]
            peers = ", ".join(dict.fromkeys(each.peer for each in refused.values()))
            return bad(said("post.was_there", for_s=wait_s, peers=peers), *advice)
        nothing = said("post.nothing_posted", place=place, for_s=wait_s)
        return bad(nothing, *self._why_nothing())

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

    def _why_nothing(self) -> tuple[Said, ...]:
        config = self._posting
        usual = (
            said("post.in_the_camera", port=config.port, path=config.path),
            said("post.network"),
            said("post.firewall", port=config.port),
            said("post.no_trigger"),
        )
        with suppress(ValueError):
            if ipaddress.ip_address(config.listen).is_loopback:
                alone = said("post.this_machine_only", table=self._table, listen=config.listen)
                return (alone, *usual)
        return usual


def advice_on(refused: RefusedPost, table: str, config: Posting, no_reading: Said) -> Said:
    """What to set where, for a cause that the listener saw."""
    if refused.refusal is Refusal.NO_READING and not refused.said:
        return no_reading
    told = refused.said if refused.said.isprintable() else ascii(refused.said)
    return said(
        f"refused.{refused.refusal}",
        table=table,
        peer=refused.peer,
        told=told,
        user=config.username,
        body_max_kb=config.body_max_kb,
    )


def plain(text: str) -> str:
    """A plate or number without what people write between its characters, in capitals."""
    return _BETWEEN.sub("", text).upper()
