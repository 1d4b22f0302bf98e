"""Telling persons what is done with their data (Articles 13 and 14): what is due, and what they were given."""
