"""The weights that this code was measured with: files beside a card that holds their hashes.

`weights/card.toml` has a table per network (`recognizer`, `refiner`, `detector`) with at least
`file` and `sha256`; what else it says (data, metrics, licence) is for people. Beside it
`calibration.toml` (`gate-lpr calibrate`) holds the numbers that turn the scores of just these
weights into probabilities.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any, Final

from models.lpr.session import WeightsError

WEIGHTS: Final = Path(__file__).parent / "weights"
CARD: Final = "card.toml"
CALIBRATION: Final = "calibration.toml"


class WeightsCard:
    """The card of one folder of weights.

    Raises:
        WeightsError: the card is missing or is no TOML.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or WEIGHTS
        self._tables = _tables(self._folder / CARD)

    def network(self, name: str) -> bytes:
        """The ONNX file of a network, checked.

        Raises:
            WeightsError: the card does not name it, the file is missing, or its hash is another.
        """
        table = self._tables.get(name)
        if not isinstance(table, dict) or not {"file", "sha256"} <= table.keys():
            raise WeightsError(f"plate reader: {self._folder / CARD} has no file of [{name}]")
        path = self._folder / str(table["file"])
        try:
            content = path.read_bytes()
        except OSError as exc:
            raise WeightsError(f"plate reader: weights {path}: {exc.strerror}") from exc
        found = hashlib.sha256(content).hexdigest()
        if found != table["sha256"]:
            raise WeightsError(
                f"plate reader: weights {path} have sha256 {found}, not {table['sha256']}"
            )
        return content

    @property
    def calibration_path(self) -> Path:
        """Where the numbers fitted to these weights are."""
        return self._folder / CALIBRATION

    def hash_of(self, name: str) -> str:
        """What the card says of a network; empty where it says nothing."""
        return str(self._tables.get(name, {}).get("sha256", ""))

    def numbers(self, name: str) -> dict[str, float]:
        """A table of `calibration.toml`; empty where the file or the table is missing.

        Raises:
            WeightsError: the file is no TOML, or was fitted to another recognizer.
        """
        path = self.calibration_path
        if not path.exists():
            return {}
        tables = _tables(path)
        if tables.get("recognizer") != self.hash_of("recognizer"):
            raise WeightsError(f"plate reader: {path} was fitted to another recognizer")
        return {key: float(value) for key, value in tables.get(name, {}).items()}


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise WeightsError(f"plate reader: card of the weights {path}: {exc}") from exc
