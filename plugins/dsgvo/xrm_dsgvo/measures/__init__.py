"""Measures (Article 32): what shows in the platform itself that they work."""
