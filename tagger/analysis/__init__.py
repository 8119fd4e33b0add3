"""From samples to numbers: one shared spectrum, MIR features as a table, the log-mel.

``picture`` is light; the other modules import librosa and belong in a worker.
"""
