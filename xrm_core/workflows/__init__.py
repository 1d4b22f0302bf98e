"""Workflows: what follows when something happens to a record, declared in files and done by workers."""
