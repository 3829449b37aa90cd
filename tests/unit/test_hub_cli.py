"""What `gate-central` says to a person whose command cannot be carried out: one line, no trace."""

import io
from pathlib import Path

import pytest

from central.cli import main


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("kkt_x", encoding="utf-8")
    (tmp_path / "day.csv").write_text("declaration_id\n", encoding="utf-8")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "Errno" not in errors
    return errors


def test_a_file_that_is_not_there_is_named(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["import", str(files / "none.csv"), "--token-file", str(files / "token")]
    assert main(arguments) == 1
    assert "none.csv: No such file or directory" in said(capsys)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("127.0.0.1:8080", "does not begin with http://"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1 cannot be reached"),
    ],
)
def test_a_hub_that_cannot_be_reached_is_named(
    files: Path, capsys: pytest.CaptureFixture[str], url: str, told: str
) -> None:
    token = str(files / "token")
    assert main(["import", str(files / "day.csv"), "--token-file", token, "--url", url]) == 1
    errors = capsys.readouterr().err
    assert told in errors
    assert errors.count("\n") == 1


def test_a_password_is_not_asked_for_where_nobody_can_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    arguments = ["user", "add", "chen", "--role", "viewer", "--state", str(tmp_path)]
    assert main(arguments) == 1
    assert "use --password-stdin" in said(capsys)
    assert main(["user", "list", "--state", str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""


def test_a_state_folder_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "file"
    place.write_text("", encoding="utf-8")
    assert main(["user", "list", "--state", str(place / "state")]) == 1
    errors = capsys.readouterr().err
    assert f"{place / 'state'}: cannot be used" in errors
    assert errors.count("\n") == 1
