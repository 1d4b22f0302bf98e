"""Visits: whom to see, in which order."""
