"""Who waits for changes: readers of the change log, each with a place of its own in it."""
