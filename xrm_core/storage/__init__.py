"""Model → tables; plan and apply schema changes; engines and transactions."""
