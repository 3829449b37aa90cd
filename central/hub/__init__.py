"""What the lanes say and what they are told."""
