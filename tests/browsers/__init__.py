"""Real browsers, as Debian has them."""
