"""The lane's manifest follows the hub's whatever the network does to the parts."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gate_agent.errors import StoreError
from gate_agent.store.hub_cache import HubCache
from gate_agent.uplink.manifest_sync import ASK_EVERY_S, ManifestSync
from gate_agent.wire import digest, v1
from hil_tests.rig import Papers
from tests.agent_rig import declaration_row, quiet_log

ROWS = [
    declaration_row(
        Papers(plate=f"粤B{number:05d}", card_uid=f"{number:08X}", gross_kg=20_000), f"D{number}"
    )
    for number in range(6)
]


class _Lane:
    """The lane's side, with what it asked for."""

    def __init__(self, path: Path) -> None:
        self.cache = HubCache(path)
        self.asked: list[int] = []
        self.sync = ManifestSync(self.cache, "lane1", self._send, quiet_log())
        self.now_s = 100.0

    def _send(self, payload: bytes) -> bool:
        request = v1.decode_lane_message(payload)
        assert isinstance(request, v1.ManifestRequest)
        self.asked.append(request.have_version)
        return True

    def hears(
        self, version: int, rows: Sequence[v1.DeclarationRow], *, confirms: bool = True
    ) -> None:
        self.now_s += ASK_EVERY_S + 0.1
        head = v1.ManifestHead(version=version, count=len(rows), digest=total(rows), at_ms=0)
        self.sync.hear_head(head, self.now_s, 1_000_000 + round(self.now_s), confirms=confirms)

    def takes(self, *parts: v1.ManifestPart) -> None:
        for part in parts:
            self.sync.take_part(part, self.now_s, 1_000_000 + round(self.now_s))

    @property
    def held(self) -> tuple[int, int]:
        manifest = self.cache.manifest()
        assert manifest.version == self.sync.version
        return manifest.version, manifest.count


def total(rows: Sequence[v1.DeclarationRow]) -> str:
    return digest.changed(digest.EMPTY, added=[digest.row_digest(row) for row in rows])


def parts(
    from_version: int,
    to_version: int,
    held: Sequence[v1.DeclarationRow],
    upserts: Sequence[v1.DeclarationRow],
    *,
    size: int = 2,
) -> list[v1.ManifestPart]:
    chunks = [tuple(upserts[i : i + size]) for i in range(0, len(upserts), size)] or [()]
    return [
        v1.ManifestPart(
            from_version=from_version,
            to_version=to_version,
            part=number,
            parts=len(chunks),
            upserts=chunk,
            deletes=(),
            count=len(held),
            digest=total(held),
        )
        for number, chunk in enumerate(chunks, 1)
    ]


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[_Lane]:
    lane = _Lane(tmp_path / "hub.db")
    with closing(lane.cache), closing(lane.sync):
        yield lane


def test_a_new_lane_asks_for_everything_and_then_only_for_changes(lane: _Lane) -> None:
    lane.hears(3, ROWS[:4])
    lane.takes(*parts(0, 3, ROWS[:4], ROWS[:4]))
    assert lane.held == (3, 4)
    lane.hears(4, ROWS[:5])
    lane.takes(*parts(3, 4, ROWS[:5], ROWS[4:5]))
    assert lane.held == (4, 5)
    assert lane.asked == [0, 3]


def test_without_the_hubs_rules_a_lane_follows_the_manifest_and_confirms_nothing(
    lane: _Lane,
) -> None:
    """Its declarations are the newest; how long it may release on them runs out all the same."""
    lane.hears(3, ROWS[:4])
    lane.takes(*parts(0, 3, ROWS[:4], ROWS[:4]))
    confirmed_s, confirmed_ms = lane.sync.confirmed_s, lane.cache.manifest().confirmed_ms
    for _ in range(5):
        lane.hears(3, ROWS[:4], confirms=False)
    lane.hears(4, ROWS[:5], confirms=False)
    lane.takes(*parts(3, 4, ROWS[:5], ROWS[4:5]))
    assert lane.held == (4, 5)
    lane.hears(4, ROWS[:5], confirms=False)
    assert lane.sync.confirmed_s == confirmed_s
    assert lane.cache.manifest().confirmed_ms == confirmed_ms
    lane.hears(4, ROWS[:5])
    assert lane.sync.confirmed_s == lane.now_s


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_parts_may_come_in_any_order_and_twice(lane: _Lane, order: tuple[int, ...]) -> None:
    lane.hears(3, ROWS)
    whole = parts(0, 3, ROWS, ROWS)
    for number in order:
        lane.takes(whole[number], whole[number])
    assert lane.held == (3, 6)


def test_a_lost_part_is_asked_for_again_with_all_others(lane: _Lane) -> None:
    lane.hears(3, ROWS)
    whole = parts(0, 3, ROWS, ROWS)
    lane.takes(whole[0], whole[2])
    assert lane.held == (0, 0)
    lane.hears(3, ROWS)
    lane.takes(*whole)
    assert lane.held == (3, 6)
    assert lane.asked == [0, 0]


def test_while_parts_are_coming_nothing_is_asked_again(lane: _Lane) -> None:
    lane.hears(3, ROWS)
    whole = parts(0, 3, ROWS, ROWS)
    for part in whole[:2]:
        lane.now_s += ASK_EVERY_S - 0.5
        lane.takes(part)
        head = v1.ManifestHead(version=3, count=6, digest=total(ROWS), at_ms=0)
        lane.sync.hear_head(head, lane.now_s + 0.4, 1_000_000)
    assert lane.asked == [0]


def test_changes_from_a_version_that_is_not_held_are_not_taken(lane: _Lane) -> None:
    lane.hears(5, ROWS)
    lane.takes(*parts(4, 5, ROWS, ROWS[4:]))
    assert lane.held == (0, 0)


def test_a_change_that_does_not_add_up_makes_the_lane_ask_for_everything(lane: _Lane) -> None:
    lane.hears(1, ROWS[:2])
    lane.takes(*parts(0, 1, ROWS[:2], ROWS[:2]))
    lane.hears(2, ROWS[:4])
    lane.takes(*parts(1, 2, ROWS[:4], ROWS[2:3]))  # a row went missing on the way
    assert lane.held == (1, 2)
    lane.hears(2, ROWS[:4])
    lane.takes(*parts(0, 2, ROWS[:4], ROWS[:4]))
    assert lane.held == (2, 4)
    assert lane.asked == [0, 1, 0]


def test_a_late_copy_of_an_old_answer_never_brings_an_old_manifest_back(lane: _Lane) -> None:
    lane.hears(1, ROWS[:2])
    old = parts(0, 1, ROWS[:2], ROWS[:2])
    lane.takes(*old)
    lane.hears(2, ROWS[:3])
    lane.takes(*parts(1, 2, ROWS[:3], ROWS[2:3]))
    lane.takes(*old)
    assert lane.held == (2, 3)


def test_a_hub_that_was_set_back_is_followed(lane: _Lane) -> None:
    lane.hears(7, ROWS)
    lane.takes(*parts(0, 7, ROWS, ROWS))
    lane.hears(2, ROWS[:2])
    lane.takes(*parts(0, 2, ROWS[:2], ROWS[:2]))
    assert lane.held == (2, 2)
    assert lane.asked == [0, 0]


def test_another_hub_with_the_same_version_number_is_noticed(lane: _Lane) -> None:
    lane.hears(1, ROWS[:2])
    lane.takes(*parts(0, 1, ROWS[:2], ROWS[:2]))
    lane.hears(1, ROWS[4:])
    assert lane.asked == [0, 0]


def test_hearing_the_head_of_what_is_held_confirms_it(lane: _Lane) -> None:
    lane.hears(1, ROWS[:2])
    lane.takes(*parts(0, 1, ROWS[:2], ROWS[:2]))
    first = lane.cache.manifest().confirmed_ms
    lane.now_s += 11
    lane.hears(1, ROWS[:2])
    second = lane.cache.manifest().confirmed_ms
    assert first is not None
    assert second is not None
    assert second > first


@pytest.mark.parametrize("changes", [{"part": 0}, {"part": 9}, {"parts": 0}, {"parts": 1 << 30}])
def test_a_part_that_cannot_be_is_not_kept(lane: _Lane, changes: dict[str, int]) -> None:
    lane.hears(3, ROWS)
    whole = parts(0, 3, ROWS, ROWS)
    lane.takes(msgspec.structs.replace(whole[0], **changes))
    lane.takes(*whole)
    assert lane.held == (3, 6)


def test_a_large_manifest_waits_in_a_file_and_is_gone_when_it_is_whole(
    lane: _Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate_agent.store.arriving_parts.IN_MEMORY_BYTES", 100)
    lane.hears(3, ROWS)
    lane.takes(*parts(0, 3, ROWS, ROWS)[:2])
    lane.hears(3, ROWS)  # the third was lost
    lane.takes(*parts(0, 3, ROWS, ROWS))
    assert lane.held == (3, 6)
    assert {path.name.split("-")[0] for path in tmp_path.iterdir()} == {"hub.db"}


def test_parts_of_a_newer_manifest_drop_those_of_the_older(lane: _Lane) -> None:
    lane.hears(3, ROWS)
    lane.takes(*parts(0, 3, ROWS, ROWS)[:2])
    lane.takes(*parts(0, 4, ROWS[1:], ROWS[1:]))
    assert lane.held == (4, 5)


def test_parts_of_two_hubs_with_one_version_number_are_not_mixed(lane: _Lane) -> None:
    lane.hears(3, ROWS[:4])
    lane.takes(parts(0, 3, ROWS[:4], ROWS[:4])[0])
    other = parts(0, 3, ROWS[2:], ROWS[2:])  # a hub that was set back came to version 3 again
    lane.takes(*other)
    assert lane.held == (3, 4)
    assert lane.cache.manifest().digest == total(ROWS[2:])


def test_a_declaration_named_twice_makes_the_lane_ask_for_everything(
    lane: _Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate_agent.store.hub_cache.CHUNK_ROWS", 1)
    lane.hears(1, ROWS[:1])
    lane.takes(*parts(0, 1, ROWS[:1], ROWS[:1]))
    lane.hears(2, ROWS[:3])
    lane.takes(*parts(0, 2, ROWS[:3], [*ROWS[:2], *ROWS[1:3]]))
    assert lane.held == (1, 1)
    lane.hears(2, ROWS[:3])
    lane.takes(*parts(0, 2, ROWS[:3], ROWS[:3]))
    assert lane.held == (2, 3)
    assert lane.asked == [0, 1, 0]


def test_a_part_that_the_disk_damaged_is_asked_for_again_with_all_others(
    lane: _Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane.hears(3, ROWS)
    whole = parts(0, 3, ROWS, ROWS)

    def damaged(message: v1.ManifestPart) -> bytes:  # a bit of a Chinese character is lost
        return v1.encode(message).replace("粤".encode(), b"\xe7\xb2\x24")

    lane.takes(*whole[:2])
    with monkeypatch.context() as patched:
        patched.setattr(
            "gate_agent.store.arriving_parts.ArrivingParts.__iter__",
            lambda _: iter([damaged(part) for part in whole]),
        )
        lane.takes(whole[2])
    assert lane.held == (0, 0)
    lane.hears(3, ROWS)
    lane.takes(*whole)
    assert lane.held == (3, 6)
    assert lane.asked == [0, 0]


def test_a_lane_whose_disk_is_nearly_full_keeps_the_room_for_its_records(
    lane: _Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate_agent.store.arriving_parts.IN_MEMORY_BYTES", 100)
    lane.hears(3, ROWS)
    whole = parts(0, 3, ROWS, ROWS)
    with monkeypatch.context() as patched:
        patched.setattr("gate_agent.store.arriving_parts.LEFT_FREE_BYTES", 1 << 60)
        with pytest.raises(StoreError, match="the disk is nearly full"):
            lane.takes(*whole)
        lane.hears(3, ROWS)  # and goes on asking
    lane.takes(*whole)
    assert lane.held == (3, 6)
    assert lane.asked == [0, 0]
