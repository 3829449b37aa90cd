"""What a technician works with: a running simulation's control, tapes, bring-up, the panel."""
