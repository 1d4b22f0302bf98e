"""Quotes: what is offered, what it costs, who approves it, what becomes of it."""
