"""Drawn plates and lane scenes for the demonstration and tests; `models.lpr` never imports it."""
