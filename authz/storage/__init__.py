"""PostgreSQL and the local disk; the only place that knows asyncpg."""
