"""Pages for those who are written to."""
