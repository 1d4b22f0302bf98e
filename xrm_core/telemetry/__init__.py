"""What is known of the request under way: its id, and what came of it. Every room may ask and tell."""
