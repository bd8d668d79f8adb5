"""Users, sessions and counts in a database: SQLite or PostgreSQL."""
