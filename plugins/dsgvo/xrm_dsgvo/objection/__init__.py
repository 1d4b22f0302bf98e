"""Objections and what is kept of them for good."""
