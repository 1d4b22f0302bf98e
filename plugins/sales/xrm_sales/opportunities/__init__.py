"""Opportunities: where they stand, what must be so before they go on, how they end."""
