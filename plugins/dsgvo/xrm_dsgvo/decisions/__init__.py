"""Decisions that a machine alone has made of persons (Article 22): kept, contested, and reviewed by a human."""
