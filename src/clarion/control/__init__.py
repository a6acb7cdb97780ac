"""What operators do to sites, keys and workflows, for the command line and for the HTTP routes alike.

Every operation takes the store's port, the time and fresh ids from its caller, and returns after the change is durable.
"""
