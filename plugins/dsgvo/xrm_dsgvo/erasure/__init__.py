"""What becomes of the data of a person, or of what is due: planned per field, then done."""
