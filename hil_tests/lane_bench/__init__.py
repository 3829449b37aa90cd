"""A bench for lanes: a real `gate-agent` on real or simulated devices, and what is played on it."""
