"""How the platform runs: production images and, in `embedded`, the engines on one machine."""
