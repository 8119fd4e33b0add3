"""From a file to mono float32 samples at 22.05 kHz: which excerpts, decode, resample.

``excerpts`` is pure and light; ``decode`` imports the decoders.
"""
