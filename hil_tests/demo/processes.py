"""Child processes that end with this one, whatever happens to it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PR_SET_PDEATHSIG = 1
STOP_S = 8.0


class ProcessDied(Exception):
    """A process of ours ended by itself; the message holds the end of its log."""


class Process:
    """One `python -m …` with its output in a log file.

    It inherits `kept_fds`: a lock on such a file is free only when it too has ended. `prefix`: a
    command that becomes it, such as one that enters a namespace.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: list[str],
        log: Path,
        kept_fds: tuple[int, ...] = (),
        prefix: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._log_path = log
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", module, *arguments],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            pass_fds=kept_fds,
            start_new_session=True,  # a Ctrl-C reaches us, and we stop it in order
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - prctl only, no locks are taken
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def check(self) -> None:
        """Raise `ProcessDied` if it is not running any more."""
        status = self._process.poll()
        if status is not None:
            raise ProcessDied(f"{self.name} ended with status {status}:\n{self.log_end()}")

    def log_end(self, lines: int = 12) -> str:
        """The last lines it wrote."""
        with contextlib.suppress(OSError):
            text = self._log_path.read_text(encoding="utf-8", errors="replace")
            return "\n".join(text.splitlines()[-lines:])
        return ""

    def kill(self) -> None:
        """End it as a power cut would (kill -9)."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def stop(self) -> None:
        """Ask it to end; insist after `STOP_S`."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def join(self) -> None:
        """Wait for its end."""
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def run_once(module: str, arguments: list[str], text: str = "") -> str:
    """Run a command of ours to its end and return what it printed. Raises `ProcessDied`."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode != 0:
        raise ProcessDied(f"{module} {' '.join(arguments)}: {done.stderr.strip()[-800:]}")
    return done.stdout


def _die_with_parent() -> None:
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.umask(0o077)
