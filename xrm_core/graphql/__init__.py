"""Model → GraphQL schema of a role; GraphQL request → plan → JSON bytes."""
