"""What a person meets who types `make run` on a machine that is not quite ready."""

import ast
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import bootstrap
from bootstrap import Interpreter, SetupError, choose, explain, pip_settings, uv_environment

ROOT = Path(bootstrap.__file__).parent
LOCKS = sorted(ROOT.glob("requirements*.lock"))
GOOD = Interpreter((3, 11, 2), "/usr/bin/python3", "/usr", True, "/usr/share/pip.whl", False)
OLD = GOOD._replace(version=(3, 9, 2), program="/usr/bin/python3")
BARE = GOOD._replace(pip_wheel=None)


def test_a_python_that_is_too_old_can_still_read_the_file_and_is_told_so() -> None:
    ast.parse((ROOT / "bootstrap.py").read_text(), feature_version=(3, 8))
    with pytest.raises(SetupError) as told:
        choose([OLD], asked=None)
    assert str(told.value) == (
        "kakou needs Python 3.11 or newer; this is 3.9 (/usr/bin/python3). "
        "Install one and run: make run PYTHON=python3.12"
    )


def test_a_newer_python_further_down_the_path_is_taken() -> None:
    newer = GOOD._replace(version=(3, 13, 0), program="/opt/python3.13")
    assert choose([OLD, newer], asked=None) is newer


def test_a_python_that_cannot_install_is_passed_over_or_its_cure_is_named() -> None:
    assert choose([BARE, GOOD], asked=None) is GOOD
    with pytest.raises(SetupError, match="apt-get install python3-venv"):
        choose([BARE], asked=None)


def test_a_python_that_was_asked_for_and_does_not_run_is_named() -> None:
    with pytest.raises(SetupError, match=r"^PYTHON=python3\.99 does not run"):
        bootstrap.interpreter({"PYTHON": "python3.99"})


def test_no_python_on_path_at_all_is_said() -> None:
    with pytest.raises(SetupError, match="none was found on PATH"):
        choose([], asked=None)


def test_a_shim_that_exists_and_does_not_work_is_passed_over(tmp_path: Path) -> None:
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.12: command not found' >&2\nexit 127\n")
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    assert bootstrap.probe(str(shim)) is None
    assert bootstrap.probe(str(tmp_path / "none")) is None


def test_a_working_python_says_what_it_is() -> None:
    found = bootstrap.probe(sys.executable)
    assert found is not None
    assert found.version == sys.version_info[:3]
    assert found.fits()


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("dns error: failed to lookup address information", "cannot be reached"),
        ("NewConnectionError: Failed to establish a new connection", "cannot be reached"),
        ("error sending request for url (https://u:pw@mirror/simple/uv/)", "cannot be reached"),
        ("SSLError(SSLCertVerificationError(CERTIFICATE_VERIFY_FAILED))", "not trusted here"),
        ("invalid peer certificate: UnknownIssuer", "not trusted here"),
        ("No space left on device (os error 28)", "the disk is full"),
        ("[Errno 28] No space left on device", "the disk is full"),
        ("Hash mismatch for `numpy==2.4.6`", "not the one that was locked"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that was locked"),
        ("ERROR: No matching distribution found for uv==0.13.9", "has no build"),
        ("[Errno 13] Permission denied: '.venv'", "no right to write"),
        ("HTTP status client error (401 Unauthorized)", "refuses us"),
        ("403 Client Error: Forbidden", "refuses us"),
        ("first\nsomething odd\n", "failed: something odd"),
        ("", "failed: no output"),
    ],
)
def test_a_failure_becomes_one_line_that_says_what_to_do(output: str, says: str) -> None:
    line = explain("libraries", output)
    assert says in line
    assert "\n" not in line
    assert "pw" not in line


def test_pips_own_settings_reach_uv_and_what_is_set_for_uv_stays(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.write_text("x")
    listing = (
        f"global.cert='{certificate}'\n"
        "global.index-url='https://global.example/simple'\n"
        "install.index-url='https://install.example/simple'\n"
        f"global.extra-index-url='file://{tmp_path} file://{tmp_path}/none https://b.example/s'\n"
        ":env:.find-links='/nowhere/wheels'\n"
        "global.trusted-host='a.example b.example'\n"
        "a line that pip never prints\n"
    )
    wanted = uv_environment(pip_settings(listing), {"UV_INSECURE_HOST": "mine"})
    assert wanted == {
        "UV_DEFAULT_INDEX": "https://install.example/simple",
        "UV_INDEX": f"file://{tmp_path} https://b.example/s",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": str(certificate),
    }


def test_a_setting_from_the_environment_wins_over_any_file() -> None:
    listing = ":env:.index-url='https://env.example'\ninstall.index-url='https://file.example'\n"
    assert pip_settings(listing)["index-url"] == "https://env.example"


def test_settings_that_lead_out_of_our_environment_are_dropped() -> None:
    kept = bootstrap.child_environment({"PYTHONPATH": "/x", "PIP_TARGET": "/y", "LANG": "C"})
    assert "PYTHONPATH" not in kept
    assert "PIP_TARGET" not in kept
    assert (kept["LANG"], kept["PIP_USER"]) == ("C", "0")


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.name for lock in LOCKS])
def test_a_lock_pins_and_hashes_everything_and_names_no_index(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host|file:", text)
    entries = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    assert len(entries) >= 5
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_locks_agree_on_every_version_that_they_share() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name in set(re.findall(r"(?m)^([a-z0-9._-]+)==", lock.read_text())):
            pinned = re.findall(rf"(?m)^{re.escape(name)}==(\S+)", lock.read_text())
            versions.setdefault(name, set()).add(" ".join(sorted(pinned)))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_every_library_that_the_project_names_is_in_its_lock() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    runtime = re.findall(r'^    "([a-z0-9-]+)[>=]=', project.partition("optional")[0], re.MULTILINE)
    lock = (ROOT / "requirements.lock").read_text()
    assert len(runtime) >= 10
    assert [name for name in runtime if f"\n{name}==" not in lock] == []


def test_a_library_is_cut_out_of_the_lock_with_its_hashes() -> None:
    lock = (ROOT / bootstrap.BUILD_LOCK).read_text()
    cut = bootstrap.pinned("uv", lock)
    assert cut.startswith("uv==")
    assert cut.count("==") == 1
    assert "--hash=sha256:" in cut
    with pytest.raises(SetupError, match="has no nonsense"):
        bootstrap.pinned("nonsense", lock)


@pytest.fixture
def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks as a finished set-up leaves it."""
    for name in ("bootstrap.py", "pyproject.toml", *(lock.name for lock in LOCKS)):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    for name, value in {
        "HERE": tmp_path,
        "STAMP": tmp_path / ".venv/stamp",
        "VENV_PYTHON": python,
    }.items():
        monkeypatch.setattr(bootstrap, name, value)
    bootstrap.STAMP.write_text(json.dumps(bootstrap._stamp("dev", "a python")))
    return tmp_path


def test_a_finished_set_up_is_not_done_again_until_a_lock_changes(set_up: Path) -> None:
    assert bootstrap.is_current("dev", {})
    assert bootstrap.is_current("run", {})
    with (set_up / "requirements-dev.lock").open("a") as lock:
        lock.write("# changed\n")
    assert not bootstrap.is_current("dev", {})


def test_a_set_up_for_the_demonstration_is_not_enough_for_the_tests(set_up: Path) -> None:
    assert set_up.is_dir()
    bootstrap.STAMP.write_text(json.dumps(bootstrap._stamp("run", "a python")))
    assert bootstrap.is_current("run", {})
    assert not bootstrap.is_current("dev", {})


def test_an_environment_that_was_removed_or_spoilt_is_made_again(set_up: Path) -> None:
    (set_up / ".venv/bin/python").unlink()
    assert not bootstrap.is_current("run", {})
    bootstrap.STAMP.write_text("{not json")
    assert not bootstrap.is_current("run", {})


def test_asking_for_another_python_makes_the_environment_anew(set_up: Path) -> None:
    assert set_up.is_dir()
    assert not bootstrap.is_current("run", {"PYTHON": sys.executable})


def test_make_says_what_there_is_without_setting_anything_up() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    for target in ("make run", "make test", "make bench", "make lock"):
        assert target in done.stdout


def a_wheel(folder: Path, name: str, program: str) -> str:
    """Write a wheel that holds a program; its hash."""
    path = folder / name
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("uv-1.0.data/scripts/uv", program)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "UV", tmp_path / "uv")
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


def test_an_installer_that_was_kept_is_used_only_with_the_locked_hash(kept: Path) -> None:
    digest = a_wheel(kept, "uv-1.0-here.whl", "#!/bin/sh\nexit 0\n")
    assert not bootstrap.unpack_installer(kept, "uv==1.0 --hash=sha256:" + "0" * 64)
    assert bootstrap.unpack_installer(kept, f"uv==1.0 --hash=sha256:{digest}")


def test_an_installer_of_another_machine_is_passed_over(kept: Path) -> None:
    other = a_wheel(kept, "uv-1.0-a_other.whl", "no program at all")
    assert not bootstrap.unpack_installer(kept, other)
    ours = a_wheel(kept, "uv-1.0-b_ours.whl", "#!/bin/sh\nexit 0\n")
    assert bootstrap.unpack_installer(kept, other + ours)


def test_without_a_home_the_installer_is_kept_in_the_checkout(tmp_path: Path) -> None:
    assert bootstrap.kept_wheels({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "kakou"
    (tmp_path / "file").touch()
    assert bootstrap.kept_wheels({"XDG_CACHE_HOME": str(tmp_path / "file")}) == bootstrap.BUILD
