"""Resource routes, one module a resource."""
