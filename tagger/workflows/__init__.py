"""One readable page per job: how a track moves along the route."""
