"""A whole port on virtual time: real cores, stores, uplinks and hub; the world around is played."""
