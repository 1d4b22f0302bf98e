"""A read request → one SQL statement → JSON text. Nothing of a record is touched in Python."""
