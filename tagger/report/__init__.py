"""What people and programs read: the console, JSON Lines, CSV."""
