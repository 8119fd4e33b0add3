"""genretag: listens to a music library and writes genre and music-type tags."""

__version__ = "0.2.0"
