"""The hub's database: one writer thread, read-only readers, SQL only here."""
