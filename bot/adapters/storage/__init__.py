"""What the bot remembers, on SQLite or PostgreSQL: `SqlRepositories.open(settings)` in `repositories`."""
