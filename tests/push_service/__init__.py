"""A push service on this machine: RFC 8030 for application servers, and for browsers the WebSocket protocol that Firefox speaks."""
