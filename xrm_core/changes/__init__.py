"""The change log: what has become of which record, by whom and why, and its readers."""
