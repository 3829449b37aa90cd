"""What is said of a fault: the texts of `texts/*.toml`."""

from __future__ import annotations

from devices.texts import Catalogue

CATALOGUE = Catalogue("devices.sim.faults.texts")
said = CATALOGUE.said
