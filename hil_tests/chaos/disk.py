"""A lane's disk that can lose its power and be filled: a file system in an image on a loop device.

Where mounting is not permitted the state folder is an ordinary one. A power cut then is a copy of
its files at a random moment, with a torn piece of a write behind the newest log; a full disk is
not to be had.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SIZE_MB = 64
_BLOCK = bytes(65_536)
_PAGE = 4_096
_FRAME = 24  # bytes of the header of a frame in SQLite's log


class Disk:
    """Where one lane keeps its state."""

    def __init__(self, folder: Path, state: Path) -> None:
        """Make it, empty, at `state`; images go into `folder`."""
        self._folder = folder
        self._state = state
        self._generation = 0
        state.mkdir(parents=True, exist_ok=True)
        self.is_image = self._mount_new()

    def cut_power(self, rng: random.Random) -> None:
        """What was not yet written is gone. The agent must be stopped (SIGSTOP), then killed.

        First call `freeze`, then kill the agent, then this.
        """
        if self.is_image:
            self._unmount()
            self._mount(self._image())
            return
        shutil.rmtree(self._state)
        shutil.copytree(self._copy(), self._state)
        for log in self._state.glob("*.db-wal"):
            with log.open("ab") as file:
                file.write(rng.randbytes(rng.randrange(1, _PAGE + _FRAME)))

    def freeze(self) -> None:
        """Keep what is on the disk at this very moment."""
        self._generation += 1
        if self.is_image:
            old = self._folder / f"disk-{self._generation - 1}.img"
            subprocess.run(["cp", "--sparse=always", old, self._image()], check=True)
        else:
            shutil.rmtree(self._copy(), ignore_errors=True)
            shutil.copytree(self._state, self._copy())

    def fill(self) -> None:
        """Leave no byte free; the machine's own disk is not filled."""
        if not self.is_image:
            return
        with (
            contextlib.suppress(OSError),
            (self._state / "filler").open("ab", buffering=0) as filler,
        ):
            while True:
                filler.write(_BLOCK)
        with (
            contextlib.suppress(OSError),
            (self._state / "filler2").open("ab", buffering=0) as filler,
        ):
            while True:
                filler.write(b"\0" * 512)

    def free(self) -> None:
        """Somebody deletes what filled it."""
        for name in ("filler", "filler2"):
            (self._state / name).unlink(missing_ok=True)

    def remove(self) -> None:
        """Unmount, and forget the image."""
        if self.is_image:
            self._unmount()
            self._image().unlink(missing_ok=True)

    def _image(self) -> Path:
        return self._folder / f"disk-{self._generation}.img"

    def _copy(self) -> Path:
        return self._folder / "frozen"

    def _mount_new(self) -> bool:
        if os.geteuid() != 0:
            return False
        image = self._image()
        with image.open("wb") as file:
            file.truncate(SIZE_MB * 1_000_000)
        try:
            subprocess.run(
                ["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True, capture_output=True
            )
            self._mount(image)
        except (OSError, subprocess.CalledProcessError):
            image.unlink()
            return False
        return True

    def _mount(self, image: Path) -> None:
        words = ["mount", "-o", "loop", str(image), str(self._state)]
        subprocess.run(words, check=True, capture_output=True)

    def _unmount(self) -> None:
        subprocess.run(["umount", "-l", self._state], check=False, capture_output=True)
        for number in range(max(0, self._generation - 1), self._generation):
            (self._folder / f"disk-{number}.img").unlink(missing_ok=True)
