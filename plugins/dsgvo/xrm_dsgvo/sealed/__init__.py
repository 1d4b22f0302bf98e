"""Sealed values, for those who work on cases."""
