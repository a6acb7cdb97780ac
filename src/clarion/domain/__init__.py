"""Events, profiles, conditions, templates and time rules. Pure."""
