"""`make run`: a port on one machine. Real hub, broker, console and lanes; simulated trucks."""
