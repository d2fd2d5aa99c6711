"""Sample deliveries of our own making, and what makes them."""
