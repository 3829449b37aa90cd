"""`gate-central conflicts` says who went out twice, in words that can be read over the radio."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from central.cli import main
from central.store import conflict_queries
from tests.hub_bench import a_declaration, a_store, decided, take_bodies


@contextmanager
def hub_that_answers(body: bytes) -> Iterator[str]:
    """An address that answers every question with what the API would say."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def asks(folder: Path, body: bytes, *more: str) -> int:
    token = folder / "token"
    token.write_text("t", encoding="utf-8")
    with hub_that_answers(body) as url:
        return main(["conflicts", "--url", url, "--token-file", str(token), *more])


def report(folder: Path, *lanes: str) -> bytes:
    """What the hub reports after the lanes' passages went out on one declaration."""
    paper = a_declaration(1)
    with a_store(folder / "hub.db") as store:
        for lane in lanes:
            take_bodies(store, decided(f"{lane}-e1-000001", "release", paper), lane=lane)
        return msgspec.json.encode(store.read_now(conflict_queries.conflicts))


def test_both_passages_of_a_declaration_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = report(tmp_path, "lane1", "lane2")
    assert asks(tmp_path, found) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "d1: 2 releases"
    assert "lane1-e1-000001 by lane: no plate no card, not claimed, 0 pictures" in said[1]
    assert "lane2-e1-000001" in said[2]
    assert asks(tmp_path, found, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["uses"][0]["is_first"] is True


def test_one_use_is_no_conflict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asks(tmp_path, report(tmp_path, "lane1")) == 0
    assert capsys.readouterr().out == "no declaration and no slip was used twice\n"


def test_pictures_that_a_rule_deleted_are_not_said_to_have_never_been(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (conflict,) = msgspec.json.decode(report(tmp_path, "lane1", "lane2"))
    conflict["uses"][0]["pictures_deleted"] = 2
    assert asks(tmp_path, msgspec.json.encode([conflict])) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].endswith("0 pictures and 2 deleted by rule")
    assert said[2].endswith("0 pictures")
