"""Drivers and simulators for the devices of a truck lane. Knows weighbridges, not gates."""
