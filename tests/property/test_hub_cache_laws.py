"""hub.db through any change of the manifest: what is found is what the newest rows say."""

import tempfile
from contextlib import closing
from pathlib import Path
from unittest import mock

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_agent.domain.matching import normalize_card, normalize_plate
from gate_agent.store.hub_cache import HubCache
from gate_agent.store.manifest_reader import ManifestReader
from gate_agent.wire import digest
from gate_agent.wire.v1 import DeclarationRow
from hil_tests.rig import Papers
from tests.agent_rig import declaration_row

PLATES = ("粤B12345", "粤B-67890", "粤ZAB12港", "FU1234")
CARDS = ("04A1B2C3", "04:ff:ee:dd")


def _row(key: str, plates: tuple[str, ...], card_uid: str, used_by: str | None) -> DeclarationRow:
    row = declaration_row(Papers(plate=plates[0], card_uid=card_uid, gross_kg=24_000), key)
    return msgspec.structs.replace(row, plates=plates, used_by=used_by)


rows = st.builds(
    _row,
    st.sampled_from(["D1", "D2", "D3"]),
    st.lists(st.sampled_from(PLATES), min_size=1, max_size=2, unique=True).map(tuple),
    st.sampled_from(CARDS),
    st.sampled_from([None, "p1"]),
)
changes = st.tuples(
    st.lists(rows, max_size=4),
    st.lists(st.sampled_from(["D1", "D2", "D3", "D9"]), max_size=2),
    st.sampled_from(["", "damage", "older version"]),  # what befell the rows before
)


@settings(max_examples=60, deadline=None)
@given(st.lists(changes, min_size=1, max_size=6), st.sampled_from([1, 2, 20_000]))
def test_what_is_found_is_what_the_newest_rows_say(
    versions: list[tuple[list[DeclarationRow], list[str], str]],
    chunk_rows: int,
) -> None:
    held: dict[str, DeclarationRow] = {}
    with (
        mock.patch("gate_agent.store.hub_cache.CHUNK_ROWS", chunk_rows),
        tempfile.TemporaryDirectory() as folder,
        closing(HubCache(Path(folder, "hub.db"))) as cache,
    ):
        for version, (sent, deletes, befell) in enumerate(versions, start=1):
            _befall(cache, befell)
            touched = {*deletes, *(row.declaration_id for row in sent)}
            upserts = list(sent)
            if befell == "damage":  # what stays damaged is refused, which is another test
                upserts += [row for key, row in held.items() if key not in touched]
            held = {key: row for key, row in held.items() if key not in deletes}
            held |= {row.declaration_id: row for row in upserts}
            total = digest.changed(
                digest.EMPTY, added=[digest.row_digest(row) for row in held.values()]
            )
            cache.apply(
                version=version, replace_all=False, upserts=upserts, deletes=deletes,
                count=len(held), expected_digest=total, at_ms=version,
            )  # fmt: skip
            _is_what_the_rows_say(cache, held)


def _befall(cache: HubCache, befell: str) -> None:
    if befell == "damage":
        cache._db.execute(
            "UPDATE declarations"
            " SET body = CAST(replace(CAST(body AS TEXT), 'B12345', 'B72345') AS BLOB)"
        )
    if befell == "older version":
        cache._db.execute("UPDATE declarations SET body_crc = NULL")


def _is_what_the_rows_say(cache: HubCache, held: dict[str, DeclarationRow]) -> None:
    stands = set(cache._db.execute("SELECT plate, declaration_id FROM declared_plates").fetchall())
    assert stands == {
        (normalize_plate(plate), key) for key, row in held.items() for plate in row.plates
    }
    cards = set(cache._db.execute("SELECT card_uid, declaration_id FROM declared_cards").fetchall())
    assert cards == {(normalize_card(row.card_uid), key) for key, row in held.items()}
    with closing(ManifestReader(cache.path, lambda _: None)) as reader:
        for plate in PLATES:
            for card in CARDS:
                found, manifest = reader.find(plate, card)
                assert [each.declaration_id for each in found] == sorted(
                    key for key, row in held.items() if plate in row.plates or card == row.card_uid
                )
                assert manifest.count == len(held)
