"""SQLite on the lane. SQL lives only here."""
