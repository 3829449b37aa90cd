"""`make test`: every check by name, the cheap ones first, stopping at the first that fails.

    python -m tests.check [STEP ...]

The last line is the sum over all tests: `812 passed, 0 failed, 3 skipped`.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".build" / "reports"
TIERS = ("unit", "property", "stateful", "integration", "e2e", "hil")
# How many tests of a tier go on at once. Those with real processes mostly wait; one file stays
# together.
SIDE_BY_SIDE = {
    "unit": ("-n", "2"),
    "property": ("-n", "2"),
    "integration": ("-n", "4", "--dist", "loadfile"),
    "e2e": ("-n", "2", "--dist", "loadfile"),
}
DEMO_S = 40
PORT_PASSAGES = 2_000
# Of a tier that is long as a whole: `make hil` plays the rest.
SHARES = {"hil": ("--bench", "hil_tests/benches/share.toml", "-m", "share")}


def commands() -> dict[str, list[str]]:
    """Name every step with the command that does it, in the order in which they run."""
    python = [sys.executable, "-m"]
    steps = {
        "format": [*python, "ruff", "format", "--check", "--quiet", "."],
        "lint": [*python, "ruff", "check", "--quiet", "."],
        "types": [*python, "mypy", "--no-error-summary"],
        "contracts": [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"],
    }
    for tier in TIERS:
        folder = "hil_tests/scenarios" if tier == "hil" else f"tests/{tier}"
        if any((ROOT / folder).rglob("test_*.py")):
            report = f"--junitxml={REPORTS / tier}.xml"
            ways = (*SIDE_BY_SIDE.get(tier, ()), *SHARES.get(tier, ()))
            steps[tier] = [*python, "pytest", folder, report, "-rs", *ways]
    steps["port"] = [*python, "hil_tests.virtual_port", "--passages", str(PORT_PASSAGES)]
    summary = str(ROOT / ".build" / "demonstration.json")
    bounded = ["--for", str(DEMO_S), "--lanes", "2", "--seed", "7", "--json", summary]
    steps["demonstration"] = [*python, "hil_tests.demo", *bounded]
    return steps


def run(steps: dict[str, list[str]]) -> str | None:
    """Run steps until one fails; give that one's name, None when all passed."""
    for name, command in steps.items():
        sys.stdout.write(f"\n== {name}\n")
        sys.stdout.flush()
        began_s = time.monotonic()  # how long a check takes, told to a person
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        took_s = time.monotonic() - began_s
        sys.stdout.write(f"== {name}: {'ok' if status == 0 else 'FAILED'} in {took_s:.1f} s\n")
        if status != 0:
            return name
    return None


def tally() -> str:
    """Sum the tiers' reports, in pytest's words."""
    passed = failed = skipped = 0
    for report in REPORTS.glob("*.xml"):
        for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - our own report
            total = int(suite.get("tests", "0"))
            bad = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
            aside = int(suite.get("skipped", "0"))
            passed, failed, skipped = passed + total - bad - aside, failed + bad, skipped + aside
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def main() -> int:
    """Run the named steps, or all; 0 when all passed, 130 after Ctrl-C."""
    known = commands()
    parser = argparse.ArgumentParser(prog="make test STEPS=…", description=main.__doc__)
    parser.add_argument("step", nargs="*", help=f"one of: {', '.join(known)}")
    parser.add_argument("--tally", action="store_true", help="only sum the last run's reports")
    options = parser.parse_args()
    if options.tally:
        sys.stdout.write(f"{tally()}\n")
        return 0
    asked = options.step
    if unknown := set(asked) - set(known):
        parser.error(f"no step named {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    try:
        failed = run({name: known[name] for name in known if not asked or name in asked})
    except KeyboardInterrupt:
        return 130
    where = "every step passed" if failed is None else f"stopped at {failed}"
    sys.stdout.write(f"\n{where}\n{tally()}\n")
    return 0 if failed is None else 1


if __name__ == "__main__":
    sys.exit(main())
