"""Clarion on PostgreSQL, measured beside SQLite and beside what the server itself can do, in the same run."""
