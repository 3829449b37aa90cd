"""Opens a network that was checked to be the one this code was measured with."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import onnxruntime as ort


class WeightsError(RuntimeError):
    """Weights are missing, or are other ones than those this code was measured with."""


def packaged_weights(package: str, name: str, sha256: str) -> bytes:
    """The bytes of `models/<name>` in an installed package, without importing the package.

    Raises:
        WeightsError: the package or the file is missing, or its hash is another one.
    """
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise WeightsError(f"plate reader: package {package} is not installed")
    path = Path(folders[0]) / "models" / name
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise WeightsError(f"plate reader: weights {path}: {exc.strerror}") from exc
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(f"plate reader: weights {path} have sha256 {found}, not {sha256}")
    return content


def open_session(content: bytes) -> ort.InferenceSession:
    """A session on one thread that never spins: the cores belong to all lanes.

    It plans no memory ahead: the plan is kept for every size of input that was ever seen, and the
    number of plates and looks differs from picture to picture. Without it a reader takes a third
    less memory in the same time.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
