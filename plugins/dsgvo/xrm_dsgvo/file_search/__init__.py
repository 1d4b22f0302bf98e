"""Files of records about somebody else are searched for a person by a job; what it finds is kept without content."""
