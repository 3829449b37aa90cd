"""A whole port on virtual time: the real cores, stores, uplinks and hub, everything around played."""
