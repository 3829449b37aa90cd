"""Make `.venv` from the hashed locks: what `make run` and `make test` do before anything else.

    python3 bootstrap.py [run | dev | lock]

`run` installs what the lanes and the hub need, `dev` adds the tools of `make test`, `lock` writes
the three lock files anew. Only the standard library, and only syntax that Python 3.8 reads, so
that an old interpreter gets as far as saying that it is too old.

One file, longer than our others, since nothing of ours can be imported before it has run.

A stamp in `.venv` holds the hash of the locks: when nothing changed, a call ends at once.
pip's own settings (index, certificate, proxy) are handed to uv, which does not read them; hashes
make it safe to take a package from whichever index has it.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Iterator, Mapping, NamedTuple, Sequence  # noqa: UP035 - Python 3.8 reads this

OLDEST = (3, 11)
SEARCHED = ("python3", "python3.13", "python3.12", "python3.11", "python")
HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "kakou-stamp.json"
BUILD = HERE / ".build"
LOG = BUILD / "setup.log"
UV = BUILD / "uv"
BUILD_LOCK = "requirements-build.lock"
LOCKS = {
    "run": (BUILD_LOCK, "requirements.lock"),
    "dev": (BUILD_LOCK, "requirements-dev.lock"),
}
NEEDED_MIB = 1200

PROBE = """
import glob, importlib.util, json, os, sys, sysconfig
def pip_wheels():
    found = importlib.util.find_spec("ensurepip")
    here = os.path.join(os.path.dirname(found.origin), "_bundled") if found else None
    for folder in (here, sysconfig.get_config_var("WHEEL_PKG_DIR"), "/usr/share/python-wheels"):
        yield from sorted(glob.glob(os.path.join(folder, "pip-*.whl"))) if folder else ()
base = getattr(sys, "_base_executable", None) or sys.executable
print(json.dumps({
    "version": sys.version_info[:3],
    "program": base if os.path.exists(base) else sys.executable,
    "prefix": sys.base_prefix,
    "venv": importlib.util.find_spec("venv") is not None,
    "pip_wheel": next(pip_wheels(), None),
    "pip": importlib.util.find_spec("pip") is not None,
}))
"""


class SetupError(Exception):
    """Set-up cannot go on; the message is one line that says what to do."""


class Interpreter(NamedTuple):
    """One Python that answered, and what it has of the means to install packages."""

    version: tuple[int, int, int]
    program: str
    prefix: str
    venv: bool
    pip_wheel: str | None
    pip: bool

    @property
    def release(self) -> str:
        """Two numbers, as in `3.11`."""
        return "{}.{}".format(*self.version)

    def fits(self) -> bool:
        """Say whether the libraries of the lock support this version."""
        return self.version[:2] >= OLDEST

    def installs(self) -> bool:
        """Say whether it can make an environment and put a package into it."""
        return self.venv and (self.pip_wheel is not None or self.pip)


# --- choosing a Python ---------------------------------------------------------------------------


def probe(program: str) -> Interpreter | None:
    """Ask a Python what it is; None when it is absent or, as a pyenv shim may, does not work."""
    try:
        done = subprocess.run(
            [program, "-I", "-c", PROBE], capture_output=True, text=True, timeout=30, check=False
        )
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    found["version"] = tuple(found["version"])
    return Interpreter(**found)


def choose(found: Sequence[Interpreter], *, asked: str | None) -> Interpreter:
    """Take the first Python that fits and can install.

    Args:
        found: what answered, best first.
        asked: what `PYTHON=` named, None when the person left the choice to us.

    Raises:
        SetupError: none fits; says which Python was seen and what to do.
    """
    fitting = [python for python in found if python.fits()]
    for python in fitting:
        if python.installs():
            return python
    if fitting:
        raise SetupError(
            f"Python {fitting[0].release} ({fitting[0].program}) has neither venv with pip nor "
            "pip; on Debian run: apt-get install python3-venv"
        )
    if asked is not None and not found:
        raise SetupError(f"PYTHON={asked} does not run; give a Python 3.11 or newer")
    raise SetupError(_wrong_version(found))


def _wrong_version(found: Sequence[Interpreter]) -> str:
    wanted = "kakou needs Python 3.11 or newer; "
    advice = " Install one and run: make run PYTHON=python3.12"
    if not found:
        return wanted + "none was found on PATH." + advice
    seen = f"this is {found[0].release} ({found[0].program})."
    return wanted + seen + advice


def interpreter(environ: Mapping[str, str]) -> Interpreter:
    """Find the Python to build `.venv` with: `PYTHON=`, else ours, else what PATH has."""
    asked = environ.get("PYTHON") or None
    if asked is not None:
        answered = probe(asked)
        return choose([answered] if answered else [], asked=asked)
    found: list[Interpreter] = []
    for name in (sys.executable, *SEARCHED):
        answered = probe(name)
        if answered is None or answered in found:
            continue
        if answered.fits() and answered.installs():
            return answered
        found.append(answered)
    return choose(found, asked=None)


# --- what uv must be told, because pip knows it --------------------------------------------------


def pip_settings(listing: str) -> dict[str, str]:
    """Read `pip config list`; a setting for `install` or from the environment wins."""
    ranked = {"global": 0, "install": 1, ":env:": 2}
    settings: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        section, _, rest = line.partition(".")
        name, _, quoted = rest.partition("=")
        rank = ranked.get(section, -1)
        if rank >= settings.get(name, (0, ""))[0]:
            with contextlib.suppress(ValueError, SyntaxError):
                settings[name] = (rank, str(ast.literal_eval(quoted)))
    return {name: value for name, (_, value) in settings.items()}


def uv_environment(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Say pip's settings in uv's words; what the person set for uv itself stays.

    Addresses travel in the environment and not as arguments: they may carry a password.
    """
    extra = _existing(pip.get("extra-index-url", ""))
    index = " ".join(_existing(pip.get("index-url", ""))[:1])
    proxy = pip.get("proxy", "")
    wanted = {
        "UV_DEFAULT_INDEX": index,
        "UV_INDEX": " ".join(extra),
        "UV_FIND_LINKS": ",".join(_existing(pip.get("find-links", ""))),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("timeout", "") or pip.get("default-timeout", ""),
        "SSL_CERT_FILE": pip.get("cert", "") if Path(pip.get("cert", "")).is_file() else "",
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
    }
    return {name: value for name, value in wanted.items() if value and name not in environ}


def _existing(places: str) -> list[str]:
    """Keep the places that exist; what is on the network is believed."""
    kept = []
    for place in places.split():
        path = place[len("file://") :] if place.startswith("file://") else place
        if ("://" in place and path == place) or Path(path).expanduser().exists():
            kept.append(place)
    return kept


# --- saying what went wrong ----------------------------------------------------------------------

FAILURES = (
    (
        r"no space left on device|os error 28\b|errno 28\b|disk quota",
        f"the disk is full; free about {NEEDED_MIB} MiB at {HERE} (or move uv's cache with "
        "UV_CACHE_DIR) and run the command again",
    ),
    (
        r"do not match the hashes|hash mismatch|hashes? (do|does) not match",
        "a package is not the one that was locked; the mirror may have been tampered with: "
        "do not go on before somebody has looked",
    ),
    (
        r"certificate_verify_failed|sslerror|invalid peer certificate|unknownissuer",
        "the package registry's certificate is not trusted here; name your organization's with: "
        "pip config set global.cert /path/to/ca.pem",
    ),
    (
        r"\b40[13]\b (client error|unauthorized|forbidden)|401 error|403 error|credentials",
        "the package registry refuses us; look at the address and password in: pip config list",
    ),
    (
        r"name resolution|name or service|dns error|failed to resolve|network is unreachable|"
        r"connection refused|connection reset|newconnectionerror|max retries|timed? ?out|"
        r"error sending request|tcp connect|proxyerror|failed to fetch|connecttimeout|"
        r"client error \(connect\)|connection (was )?broken",
        "the package registry cannot be reached; check the network or the proxy, or name a mirror "
        "with: pip config set global.index-url ADDRESS, and run the command again",
    ),
    (
        r"no matching distribution|could not find a version|no solution found|has no wheels|"
        r"not found in the package registry|no wheels with a matching",
        "the package registry has no build of a library for this machine or this Python",
    ),
    (
        r"permission denied|errno 13\b|os error 13\b|read-only file system",
        f"no right to write; look at the owner of {HERE} and of the cache folder",
    ),
)


def explain(step: str, output: str) -> str:
    """Turn what pip or uv printed into one line that says what to do."""
    for pattern, advice in FAILURES:
        if re.search(pattern, output, re.IGNORECASE):
            return f"{step}: {advice} (details: {LOG})"
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "no output")
    return f"{step} failed: {without_password(last.strip())} (details: {LOG})"


def without_password(text: str) -> str:
    """Blank the user and password of any address in a text."""
    return re.sub(r"//[^/@\s]+@", "//***@", text)


# --- running the steps ---------------------------------------------------------------------------


class Progress:
    """One live line on a terminal, a plain line at each step's start elsewhere."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._step = 0
        self._title = ""
        self._began_s = time.monotonic()  # noqa: TID251 - runs before any of our clocks exists
        self._live = sys.stderr.isatty()

    def begin(self, title: str) -> None:
        """Name the step that starts now."""
        self._step += 1
        self._title = title
        if self._live:
            self.show("")
        else:
            self._print(f"setup {self._step}/{self._steps}: {title}")

    def show(self, detail: str) -> None:
        """Draw the live line with the newest thing the step has said."""
        if not self._live:
            return
        where = f"setup {self._step}/{self._steps}  {self._elapsed_s():5.1f} s  {self._title}"
        line = f"{where}  {without_password(detail)}"
        sys.stderr.write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
        sys.stderr.flush()

    def end(self) -> None:
        """Leave one line that says how long it took."""
        self.clear()
        self._print(f"setup done in {self._elapsed_s():.1f} s")

    def clear(self) -> None:
        """Take the live line away before something else is printed."""
        if self._live:
            sys.stderr.write("\r\x1b[K")

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began_s  # noqa: TID251

    def _print(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def run_step(
    progress: Progress, step: str, command: Sequence[str], environ: Mapping[str, str]
) -> str:
    """Run one program, its output into the log and its last line into the progress display.

    Raises:
        SetupError: it failed; the message says why.
    """
    started_at = LOG.stat().st_size
    with LOG.open("a", encoding="utf-8", errors="replace") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env=dict(environ), cwd=str(HERE))
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=0.1)
                break
            progress.show(_output_since(started_at).rstrip().rpartition("\n")[2])
    except BaseException:
        child.terminate()
        child.wait()
        raise
    output = _output_since(started_at)
    if child.returncode != 0:
        raise SetupError(explain(step, output))
    return output


def _output_since(offset: int) -> str:
    with LOG.open(encoding="utf-8", errors="replace") as log:
        log.seek(offset)
        return log.read()


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Take away what would lead pip or Python out of our environment."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PYTHON")
    kept = {name: value for name, value in environ.items() if name not in dropped}
    kept.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", UV_NO_PROGRESS="1")
    kept.update(UV_PYTHON_DOWNLOADS="never")
    return kept


def pip_command(python: Interpreter) -> list[str]:
    """Give the words that run pip for `.venv`.

    The wheel that Python brings for ensurepip is unpacked beside `.venv` and runs from there:
    installing it would cost seconds, and so does each run from the closed wheel.
    """
    if python.pip_wheel is None:
        return [python.program, "-m", "pip", "--python", str(VENV_PYTHON)]
    folder = BUILD / Path(python.pip_wheel).stem
    if not (folder / "complete").exists():
        with zipfile.ZipFile(python.pip_wheel) as wheel:
            wheel.extractall(str(folder))
        (folder / "complete").touch()
    return [str(VENV_PYTHON), str(folder / "pip")]


def pinned(name: str, lock: str) -> str:
    """Cut one library with its hashes out of a lock file's text.

    Raises:
        SetupError: the lock does not have it.
    """
    found = re.search(rf"^{re.escape(name)}==.*\n(?:[ \t]+.*\n)*", lock, re.MULTILINE)
    if found is None:
        raise SetupError(f"{BUILD_LOCK} has no {name}; run: git checkout {BUILD_LOCK}")
    return found.group()


def make_environment(progress: Progress, python: Interpreter, environ: Mapping[str, str]) -> None:
    """Make an empty `.venv` and put uv at `UV`.

    An environment that works and is of the same Python is kept: only what differs is installed.
    """
    progress.begin(f"an environment with Python {python.release}")
    now = probe(str(VENV_PYTHON))
    if now is None or (now.version, now.prefix) != (python.version, python.prefix):
        command = [python.program, "-m", "venv", "--clear", "--without-pip", str(VENV)]
        run_step(progress, "environment", command, environ)
    progress.begin("the installer (uv)")
    put_installer(progress, python, environ)


def with_pip_settings(python: Interpreter, environ: Mapping[str, str]) -> dict[str, str]:
    """Ask pip what it knows of index, certificate and proxy, and give uv's environment."""
    listing = subprocess.run(
        [*pip_command(python), "config", "list"],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(environ),
        check=False,
    ).stdout
    return {**environ, **uv_environment(pip_settings(listing), environ)}


def put_installer(progress: Progress, python: Interpreter, environ: Mapping[str, str]) -> None:
    """Put the locked uv at `UV`, out of the wheel that an earlier set-up kept or with pip.

    Raises:
        SetupError: it cannot be had.
    """
    wanted = pinned("uv", (HERE / BUILD_LOCK).read_text(encoding="utf-8"))
    kept = kept_wheels(environ)
    if unpack_installer(kept, wanted):
        return
    listed = BUILD / "uv.txt"
    listed.write_text(wanted, encoding="utf-8")
    command = [
        *pip_command(python),
        "download",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--retries=2",
    ]
    command += ["--only-binary=:all:", "--no-input", "--dest", str(kept), "-r", str(listed)]
    run_step(progress, "installer", command, environ)
    if not unpack_installer(kept, wanted):
        raise SetupError(f"installer: the uv that pip put into {kept} does not run on this machine")


def kept_wheels(environ: Mapping[str, str]) -> Path:
    """Give a folder that outlives this checkout, or `BUILD` where there is none to write to.

    The registry's list of every uv ever built takes pip seconds to read: once is enough.
    """
    with contextlib.suppress(OSError, RuntimeError):
        cache = environ.get("XDG_CACHE_HOME") or "~/.cache"
        folder = Path(cache).expanduser() / "kakou"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(str(folder), os.W_OK):
            return folder
    return BUILD


def unpack_installer(folder: Path, wanted: str) -> bool:
    """Take uv out of a wheel in `folder` whose hash is among the `wanted`; False when none runs.

    The hashes are those of every platform: only trying shows that a wheel is this one's.
    """
    for wheel in sorted(folder.glob("uv-*.whl")):
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in wanted:
            continue
        with zipfile.ZipFile(wheel) as content:
            programs = [name for name in content.namelist() if name.endswith("/scripts/uv")]
            if programs:
                fresh = UV.with_suffix(".new")
                fresh.write_bytes(content.read(programs[0]))
                fresh.chmod(0o755)
                fresh.replace(UV)
                if runs(UV):
                    return True
    return False


def runs(program: Path) -> bool:
    """Say whether a program starts here at all."""
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def install(what: str, python: Interpreter, environ: Mapping[str, str]) -> None:
    """Bring `.venv` to what the locks say and leave the stamp.

    Raises:
        SetupError: a step failed.
    """
    progress = Progress(4)
    try:
        make_environment(progress, python, environ)
        uv = [str(UV), "pip"]
        target = ["--python", str(VENV_PYTHON)]
        locks = [str(HERE / name) for name in LOCKS[what]]
        progress.begin("the libraries")
        sync = [*uv, "sync", "--require-hashes", "--no-build", *target, *locks]
        try:  # what is all in uv's cache needs no index, and no pip to say where that is
            run_step(progress, "libraries", [*sync, "--offline"], environ)
        except SetupError:
            run_step(progress, "libraries", sync, with_pip_settings(python, environ))
        progress.begin("kakou itself")
        ours = ["install", "--no-deps", "--no-build-isolation", *target, "-e", str(HERE)]
        run_step(progress, "kakou", [*uv, *ours, "--offline"], environ)
    except BaseException:
        progress.clear()
        raise
    STAMP.write_text(json.dumps(_stamp(what, _identity(python))), encoding="utf-8")
    progress.end()


def lock(python: Interpreter, environ: Mapping[str, str]) -> None:
    """Write the lock files anew: hashes of every platform's wheels, no index address."""
    progress = Progress(5)
    make_environment(progress, python, environ)
    within = with_pip_settings(python, environ)
    within["UV_CUSTOM_COMPILE_COMMAND"] = "make lock"
    for name in ("UV_INDEX", "UV_FIND_LINKS", "UV_INDEX_STRATEGY"):
        within.pop(name, None)  # a side index may have one platform's wheel: too few hashes
    compiling = [str(UV), "pip", "compile", "--quiet", "--upgrade", "--universal"]
    compiling += ["--python-version=3.11", "--generate-hashes", "--no-emit-index-url"]
    project = ["pyproject.toml", "-c", BUILD_LOCK]
    extras = ["--extra=dev", "--extra=second-opinion", "--extra=osdp", "--extra=sim-h264"]
    for words in (
        ["--group=build", "-o", BUILD_LOCK],
        [*project, "-o", "requirements.lock"],
        [*project, "-c", "requirements.lock", *extras, "-o", "requirements-dev.lock"],
    ):
        progress.begin(words[-1])
        run_step(progress, "lock", [*compiling, *words], within)
    progress.end()


# --- the stamp -----------------------------------------------------------------------------------


def _identity(python: Interpreter) -> str:
    return f"{python.version} {python.prefix}"


def _stamp(what: str, python: str) -> dict[str, str]:
    digest = hashlib.sha256()
    for name in ("bootstrap.py", "pyproject.toml", *LOCKS[what]):
        digest.update((HERE / name).read_bytes())
    return {"what": what, "hash": digest.hexdigest(), "python": python, "place": str(HERE)}


def is_current(what: str, environ: Mapping[str, str]) -> bool:
    """Say whether `.venv` already is what the locks say; `dev` serves where `run` is asked."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        has = stamp["what"]
        current = stamp == _stamp(has, stamp["python"]) and has in (what, "dev")
    except (OSError, ValueError, KeyError):
        return False
    asked = environ.get("PYTHON")
    if current and asked:
        answered = probe(asked)
        return answered is not None and _identity(answered) == stamp["python"]
    return bool(current) and os.access(str(VENV_PYTHON), os.X_OK)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one set-up run at a time: `make run` and `make test` may be typed side by side."""
    import fcntl  # noqa: PLC0415 - absent on Windows, where we must still say something clear

    BUILD.mkdir(exist_ok=True)
    with (BUILD / "setup.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up; 0 when `.venv` is ready, 1 with one line on standard error when not."""
    parser = argparse.ArgumentParser(prog="bootstrap.py", description="make .venv from the locks")
    parser.add_argument("what", nargs="?", choices=("run", "dev", "lock"), default="run")
    what = parser.parse_args(arguments).what
    try:
        if what != "lock" and is_current(what, os.environ):
            return 0
        with alone():
            if what != "lock" and is_current(what, os.environ):
                return 0
            LOG.write_text("", encoding="utf-8")
            python, environ = interpreter(os.environ), child_environment(os.environ)
            if what == "lock":
                lock(python, environ)
            else:
                install(what, python, environ)
    except SetupError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"setup: {explain('set-up', str(error))}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("setup: stopped\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
