"""Who gets data, on what that rests, and by which connectors (Articles 26, 28 and 44 to 49)."""
