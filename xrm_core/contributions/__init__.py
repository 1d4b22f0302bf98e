"""What plugins register beside actions, jobs and fields of queries: routes, health checks, commands."""
