"""What a machine may lack, and how a test's `needs` marker looks for it.

Each probe answers None when the feature is there, else a few words saying what is missing.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

Probe = Callable[[], str | None]


def _program(*names: str, package: str) -> Probe:
    def probe() -> str | None:
        if any(shutil.which(name) for name in names):
            return None
        return f"no {' or '.join(names)} on PATH (Debian: {package})"

    return probe


def _rtsp_server() -> str | None:
    """GStreamer's RTSP server lives in the system's Python, not in ours."""
    check = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0');"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
        "import sys; sys.exit(not all(map(Gst.ElementFactory.find, ['jpegenc', 'rtpjpegpay'])))"
    )
    try:
        done = subprocess.run(
            ["/usr/bin/python3", "-c", check], capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the system's python3 does not run ({error})"
    if done.returncode == 0:
        return None
    return (
        "no RTSP server in /usr/bin/python3 (Debian: python3-gi gir1.2-gst-rtsp-server-1.0 "
        "gstreamer1.0-plugins-base gstreamer1.0-plugins-good)"
    )


def _postgresql() -> str | None:
    found = shutil.which("initdb") or next(Path("/usr/lib/postgresql").glob("*/bin/initdb"), None)
    return None if found else "no initdb (Debian: postgresql)"


def _network_namespaces() -> str | None:
    if not shutil.which("ip"):
        return "no ip (Debian: iproute2)"
    script = "ip netns add $0 && ip netns delete $0"
    command = ["sh", "-c", script, f"kakou-probe-{os.getpid()}"]
    done = subprocess.run(command, capture_output=True, check=False)
    return None if done.returncode == 0 else "no right to make a network namespace"


def _tmpfs_mounts() -> str | None:
    done = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return None if done.returncode == 0 else "no right to mount a tmpfs"


def _loop_mounts() -> str | None:
    """A file system in an image on a loop device."""
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        return "no right to mount an image, or no mkfs.ext4 (Debian: e2fsprogs)"
    with tempfile.TemporaryDirectory() as folder:
        image, place = Path(folder, "image"), Path(folder, "place")
        place.mkdir()
        with image.open("wb") as file:
            file.truncate(8_000_000)
        script = f"mkfs.ext4 -q -F {image} && mount -o loop {image} {place}"
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True)  # noqa: PLW1510
    return None if done.returncode == 0 else "no right to mount an image on a loop device"


def _virtual_card() -> str | None:
    """A PC/SC service with vsmartcard's virtual reader, and our extra that talks to it."""
    if importlib.util.find_spec("smartcard") is None:
        return "no pyscard (the extra kakou[pcsc]; Debian: libpcsclite-dev to build it)"
    if (
        os.geteuid() != 0
        or not shutil.which("pcscd")
        or not Path("/etc/reader.conf.d/vpcd").exists()
    ):
        return "no right to start pcscd, or no virtual reader (Debian: pcscd vsmartcard-vpcd)"
    return None


def _video_encoder() -> str | None:
    """The extra of simulated H.264 cameras."""
    return None if importlib.util.find_spec("av") else "no PyAV (the extra kakou[sim-h264])"


def _photographs() -> str | None:
    """Real pictures are not ours to publish: a folder outside the repository, or none."""
    folder = os.environ.get("KAKOU_PHOTOGRAPHS")
    if folder and Path(folder, "labels.csv").is_file():
        return None
    return "KAKOU_PHOTOGRAPHS names no folder with a labels.csv"


FEATURES: dict[str, Probe] = {
    "chromium": _program("chromium", "chromium-browser", "google-chrome", package="chromium"),
    "systemd-analyze": _program("systemd-analyze", package="systemd"),
    "rtsp-server": _rtsp_server,
    "postgresql": _postgresql,
    "network-namespaces": _network_namespaces,
    "tmpfs-mounts": _tmpfs_mounts,
    "loop-mounts": _loop_mounts,
    "virtual-card": _virtual_card,
    "video-encoder": _video_encoder,
    "photographs": _photographs,
}

# Not to be had from packages alone: skipped by name even where everything is required.
NOT_INSTALLABLE = frozenset({"photographs", "virtual-card"})


@functools.cache
def missing(feature: str) -> str | None:
    """Say what is missing of a feature, None when it is there.

    Raises:
        LookupError: no such feature; a misspelt marker must not skip for ever.
    """
    try:
        probe = FEATURES[feature]
    except KeyError:
        known = ", ".join(sorted(FEATURES))
        raise LookupError(f"needs({feature!r}): unknown, tests/features.py has {known}") from None
    return probe()
