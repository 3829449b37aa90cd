"""Driver-card readers: what one is, and the drivers."""
