"""Hardware-in-the-loop: real processes and real drivers against simulated or real devices."""
