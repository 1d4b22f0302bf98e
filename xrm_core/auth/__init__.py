"""Request → who is asking."""
