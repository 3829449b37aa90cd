"""Device readings to events, effects to device commands; one thread each."""
