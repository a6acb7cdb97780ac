"""What each kind of step does; one module a kind."""
