"""The library on disk: what is in it, what is known of it, and what was done to it."""
