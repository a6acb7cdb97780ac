"""Takes inbox entries and due timers, runs the core, commits the outcome."""
