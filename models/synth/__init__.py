"""Drawn plates and lane scenes, for the demonstration and for tests. Never imported by `models.lpr`."""
