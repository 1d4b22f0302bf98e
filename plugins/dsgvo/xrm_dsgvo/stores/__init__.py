"""Stores of plugins outside of the platform's tables: found, told, restricted and erased with the rest of a person."""
