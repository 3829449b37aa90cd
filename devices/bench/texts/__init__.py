"""What a walk through a device says, Chinese and English: one catalogue."""
