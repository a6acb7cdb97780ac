"""`/p/v1`: what browsers and mobile apps ask, with a public app id and no secret."""
