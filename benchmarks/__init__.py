"""Figures: Circuit beside its peers, in one run on one machine. They are shown, and never asserted."""
