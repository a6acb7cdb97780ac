"""What crosses the store's port: rows in the words of the design, with no trace of SQL. Times are UTC microseconds."""
