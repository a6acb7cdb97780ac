"""An SQLite database moves to PostgreSQL: every row, in the partition that it belongs to there, resumable, and compared at the end."""
