"""Which products there are, how they go together, what they cost."""
