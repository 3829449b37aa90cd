"""What faults are called and how a person makes them, Chinese and English: one catalogue."""
