"""What is kept for the law alone: out of its table, in the vault, opened for a purpose."""
