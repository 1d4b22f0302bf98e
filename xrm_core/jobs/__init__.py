"""Work that is done beside the requests: jobs that fall due, schedules that make them, and workers that do them."""
