"""What the annotations say, in editions that somebody approves."""
