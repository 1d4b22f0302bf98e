"""Requests of data subjects (Articles 15 to 22)."""
