"""Which plates the manifest declares, for the camera thread: it holds pictures against them."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec

from gate_agent.domain.matching import normalize_card, normalize_plate
from gate_agent.errors import StoreError
from gate_agent.store.schema import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class _Plates(msgspec.Struct):
    plates: tuple[str, ...]


_decoder = msgspec.json.Decoder(_Plates)


class DeclaredPlates:
    """Reads hub.db beside its writer. One thread may use it."""

    def __init__(self, path: Path) -> None:
        """Open `path`. Raises `StoreError`."""
        self._path = path
        self._connection = open_reader(path)

    def among(self, texts: Iterable[str]) -> list[str]:
        """Those of `texts` that are declared, normalized, in their order. Raises `StoreError`."""
        wanted = list(dict.fromkeys(normalize_plate(text) for text in texts))
        rows = self._rows(
            "SELECT DISTINCT plate FROM declared_plates"
            " WHERE plate IN (SELECT value FROM json_each(?))",
            json.dumps(wanted),
        )
        found = {row[0] for row in rows}
        return [text for text in wanted if text in found]

    def of_card(self, card_uid: str) -> list[str]:
        """The plates of the papers that name this card, of sixteen at most. Raises `StoreError`."""
        rows = self._rows(
            "SELECT body FROM declarations WHERE declaration_id IN"
            " (SELECT declaration_id FROM declared_cards WHERE card_uid = ?)"
            " ORDER BY declaration_id LIMIT 16",
            normalize_card(card_uid),
        )
        plates = (plate for row in rows for plate in _decoder.decode(row[0]).plates)
        return list(dict.fromkeys(normalize_plate(plate) for plate in plates))

    def _rows(self, query: str, value: str) -> list[Any]:
        try:
            return self._connection.execute(query, [value]).fetchall()
        except sqlite3.Error as exc:
            raise StoreError(f"{self._path}: plates cannot be read: {exc}") from exc

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
