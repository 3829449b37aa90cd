"""Input/relay boards by map files: one TOML a kind of board, and what reads it."""
