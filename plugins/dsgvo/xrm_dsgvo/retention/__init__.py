"""How long things are kept: when periods end, legal holds, and what is due."""
