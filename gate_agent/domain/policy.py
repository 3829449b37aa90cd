"""What the lane file says: the lane's own timings, and limits until the hub sends a pack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePolicy:
    """Limits for an automatic release. `version` goes into every record.

    The weight tolerance follows the physics of a truck scale in service (60 kg at 40 t), fuel and
    crew: |weighed - declared| <= max(weight_tolerance_kg, declared * weight_tolerance_permille
    / 1000). Beyond `weight_inspect_factor` times that the vehicle goes to inspection.
    """

    version: str = "default-1"
    min_plate_confidence_permille: int = 980
    verified_plate_suffices: bool = False  # a plate in doubt that fits one declared vehicle
    min_plate_frames: int = 2  # frames that agree
    min_vehicle_kg: int = 1_500
    weight_tolerance_kg: int = 400
    weight_tolerance_permille: int = 30
    weight_inspect_factor: int = 2
    plate_max_age_s: float = 180.0
    card_max_age_s: float = 180.0
    weight_max_age_s: float = 5.0
    manifest_max_age_s: float = 4 * 3600.0
    gather_timeout_s: float = 45.0
    unexpected_gather_s: float = 8.0  # a vehicle that did not come in the ordinary way
    lookup_timeout_s: float = 2.0
    raise_valid_s: float = 2.0
    boom_up_timeout_s: float = 6.0
    lower_delay_s: float = 0.5
    absence_s: float = 1.0
    open_too_long_s: float = 30.0
    plate_attempts: int = 4
