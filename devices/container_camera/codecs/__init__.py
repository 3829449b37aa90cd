"""What such cameras post. Pure: no I/O, no clock."""
