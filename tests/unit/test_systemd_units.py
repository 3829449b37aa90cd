"""The units as systemd itself reads them."""

import configparser
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "systemd").glob("gate-*"))
SERVICES = [path for path in UNITS if path.suffix == ".service"]
MOST_EXPOSED = 2.0  # systemd's scale: 0 is locked in, 10 is open; "ok" ends below 4.0


def _names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def _service(path: Path) -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text())
    return unit["Service"]


def verify(folder: Path, name: str, text: str) -> tuple[int, str]:
    """Run the verifier on a copy whose program exists: the real one is there once installed."""
    copy = folder / name
    copy.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=_names(UNITS))
def test_the_verifier_has_nothing_to_say_about_a_unit(unit: Path, tmp_path: Path) -> None:
    assert verify(tmp_path, unit.name, unit.read_text()) == (0, "")


@pytest.mark.needs("systemd-analyze")
def test_the_verifier_speaks_up_about_a_misspelt_type(tmp_path: Path) -> None:
    """It exits with 0 all the same: the reason why any output is a failure here."""
    unit = ROOT / "systemd" / "gate-central.service"
    _, output = verify(tmp_path, unit.name, unit.read_text().replace("Type=notify", "Type=notfy"))
    assert "notfy" in output


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("unit", SERVICES, ids=_names(SERVICES))
def test_a_service_is_locked_in(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text())
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    score = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert score is not None, done.stdout + done.stderr
    print(f"{unit.name}: exposure {score.group(1)}")  # noqa: T201 - shown with -rP
    assert float(score.group(1)) <= MOST_EXPOSED, done.stdout


@pytest.mark.parametrize("unit", SERVICES, ids=_names(SERVICES))
def test_a_service_starts_a_command_that_we_install(unit: Path) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    program, action, option, config = _service(unit)["ExecStart"].split()
    assert Path(program).name in scripts
    assert (action, option) == ("run", "--config")
    assert config.startswith("/etc/kakou/")


@pytest.mark.parametrize("unit", SERVICES, ids=_names(SERVICES))
def test_a_service_that_fails_is_started_again_unless_its_configuration_is_wrong(
    unit: Path,
) -> None:
    service = _service(unit)
    assert (service["Restart"], service["RestartSec"]) == ("always", "2")
    assert service["RestartPreventExitStatus"] == "78"
    assert "StartLimitIntervalSec=0" in unit.read_text()


@pytest.mark.parametrize(
    ("unit", "package"), [("gate-agent@", "gate_agent"), ("gate-central", "central")]
)
def test_a_service_that_is_waited_for_belongs_to_a_program_that_says_when_it_is_ready(
    unit: str, package: str
) -> None:
    assert _service(ROOT / "systemd" / f"{unit}.service")["Type"] == "notify"
    sources = [path.read_text() for path in (ROOT / package).rglob("*.py")]
    assert any("NOTIFY_SOCKET" in text for text in sources)
    assert any("READY=1" in text for text in sources)
    assert any("WATCHDOG=1" in text for text in sources)


def test_the_names_in_the_examples_are_the_names_in_the_units() -> None:
    account = (ROOT / "systemd/examples/kakou.sysusers.conf").read_text().splitlines()[-1].split()
    folders = (ROOT / "systemd/examples/kakou.tmpfiles.conf").read_text()
    for unit in SERVICES:
        assert _service(unit)["User"] == account[1]
    credential = _service(ROOT / "systemd/gate-agent@.service")["LoadCredential"].partition(":")[2]
    assert str(Path(credential).parent) in folders
