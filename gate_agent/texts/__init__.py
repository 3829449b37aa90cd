"""Every text for people, Chinese and English, in one catalogue."""
