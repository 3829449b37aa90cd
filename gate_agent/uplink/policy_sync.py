"""The hub's policy packs onto the lane: taken whole and checked, or what was held stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.domain.draws import commitment
from gate_agent.store.held_policy import HeldPolicy
from gate_agent.wire import v1
from gate_agent.wire.digest import policy_digest
from gate_agent.wire.policy_pack import PolicyPackError, read_pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate_agent.logs import Log
    from gate_agent.store.hub_cache import HubCache

ASK_EVERY_S = 3.0
REFUSED_ASK_EVERY_S = 60.0  # what was refused once will be refused again


class PolicySync:
    """Keeps the packs of hub.db at what the hub distributes. Belongs to the uplink thread."""

    def __init__(self, cache: HubCache, lane: str, send: Callable[[bytes], bool], log: Log) -> None:
        self._cache = cache
        self._lane = lane
        self._send = send
        self._log = log
        self._asked_s = float("-inf")
        self._named = ""  # the digest that the hub named last
        self._refusal: v1.PolicyRefusal | None = None  # what could not be taken
        self.held: HeldPolicy = cache.policy()  # replaced whole: the lane thread reads it

    def hear_digest(self, digest: str, now_s: float) -> bool:
        """The hub names what it distributes; ask for it if it is not held.

        False while the lane has never been given what the hub has: it must not begin to judge by
        its built-in rules what the port has ruled otherwise.
        """
        self._named = digest
        if not self.is_current:
            every_s = ASK_EVERY_S if self.refusal is None else REFUSED_ASK_EVERY_S
            if now_s - self._asked_s >= every_s:
                self._asked_s = now_s
                self._send(v1.encode(v1.PolicyRequest(lane=self._lane, have=self.held.digest)))
        return not digest or self.held.digest != ""

    @property
    def is_current(self) -> bool:
        """Whether the lane holds the rules that the hub named last; it may have named none."""
        return self._named in ("", self.held.digest)

    @property
    def refusal(self) -> v1.PolicyRefusal | None:
        """Why the lane does not hold what the hub names; None: it does, or has not seen it yet."""
        is_named = self._refusal is not None and self._refusal.digest == self._named
        return self._refusal if is_named and not self.is_current else None

    def take(self, message: v1.PolicyPacks) -> None:
        """Adopt what the hub sent, or refuse all of it. Raises `StoreError`: nothing changed."""
        try:
            held = _checked(message)
        except PolicyPackError as exc:
            self._refusal = v1.PolicyRefusal(digest=message.digest, why=str(exc))
            self._log.error("policy_refused", detail=str(exc))
            return
        self._refusal = None
        if held.digest == self.held.digest:
            return
        self._cache.keep_policy(held.digest, message.packs, message.secrets)
        self.held = held
        self._log.info("policy_adopted", versions=[pack.version for pack in held.packs])


def _checked(message: v1.PolicyPacks) -> HeldPolicy:
    """What the message holds. Raises `PolicyPackError`."""
    packs = tuple(
        read_pack(body, f"policy {place} of {len(message.packs)}")
        for place, body in enumerate(message.packs, start=1)
    )
    committed: dict[str, set[str]] = {}
    for period in (period for pack in packs for period in pack.draw_periods):
        committed.setdefault(period.period, set()).add(period.commitment)
    for each in message.secrets:
        if each.period not in committed:
            raise PolicyPackError(f"policy: a secret for {each.period!r}, which no pack names")
        if committed[each.period] != {commitment(each.secret)}:
            raise PolicyPackError(f"policy: the secret of {each.period!r} is not the committed one")
    secrets = {each.period: each for each in message.secrets}
    if policy_digest(message.packs, secrets) != message.digest:
        raise PolicyPackError("policy: the packs are not those that the hub's digest names")
    return HeldPolicy(digest=message.digest, packs=packs, secrets=secrets)
