"""Bringing into service a card reader behind PC/SC: the service, the reader, then its cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.bench.bring_up import BringUpStep, Finding, bad, good, log_text
from devices.bench.bring_up_cards import CardWalk
from devices.bench.wording import said
from devices.card_reader.pcsc import CardAt, PcscCardReader, card_at, reader_names
from devices.errors import LinkDown
from devices.texts import as_is

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.card_reader.api import CardReader


def pcsc_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a PC/SC reader."""
    walk = _Pcsc(session)
    return (
        BringUpStep(name=as_is("pcscd"), look=walk.is_served),
        BringUpStep(name=said("pcsc.reader"), look=walk.is_plugged),
        *walk.steps(),
    )


class _Pcsc(CardWalk):
    """A PC/SC reader by what pcscd says of it."""

    def is_served(self) -> Finding:
        """Whether pcscd answers."""
        try:
            reader_names()
        except LinkDown as exc:
            return bad(log_text(exc), said("pcsc.not_running"), said("pcsc.not_allowed"))
        return good(said("pcsc.answers"))

    def is_plugged(self) -> Finding:
        """Whether exactly one reader is the lane's."""
        names, port = reader_names(), self.config.port
        found = [name for name in names if port in name]
        if len(found) == 1:
            return good(as_is(found[0]))
        if not names:
            return bad(
                said("pcsc.no_reader"),
                said("pcsc.not_plugged"),
                said("pcsc.no_driver"),
                said("pcsc.kernel_holds"),
            )
        if found:
            return bad(said("pcsc.several", names=", ".join(found)), said("pcsc.name_more"))
        return bad(
            said("pcsc.not_among", port=port, names=", ".join(names)),
            said("pcsc.another_name", name=names[0]),
        )

    def why_no_card(self, reader: CardReader) -> Finding:
        """What pcscd says of the card at the end of the wait."""
        found = card_at(self.config.port)
        if CardAt.HELD_BY_ANOTHER in found:
            return bad(said("pcsc.held"), said("pcsc.end_program"))
        if CardAt.MUTE in found:
            return bad(said("pcsc.mute"), said("pcsc.askew"))
        if isinstance(reader, PcscCardReader) and reader.refused_cards:
            return self._unreadable()
        return super().why_no_card(reader)

    def _unreadable(self) -> Finding:
        if not self.config.field_blocks:
            return bad(said("pcsc.no_uid"), said("pcsc.contact_card"))
        return bad(
            said("pcsc.fields_unreadable"), said("pcsc.another_key"), said("pcsc.other_blocks")
        )
