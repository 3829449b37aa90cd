"""Measuring a plate reader against labelled and against drawn pictures. Offline only."""
