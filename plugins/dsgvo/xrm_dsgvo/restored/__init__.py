"""What persons have said, or had restricted, is not taken back by the restore of a backup from before it."""
