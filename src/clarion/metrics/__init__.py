"""What `/metrics` says, in Prometheus' text format: numbers that a process keeps anyway, put into words when they are asked for."""
