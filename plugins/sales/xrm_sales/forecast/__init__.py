"""What is to be expected: by month and whatever else, beside the quota, and what has changed since last Monday."""
