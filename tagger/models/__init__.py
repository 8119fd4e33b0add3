"""What a model is and how it answers: bundle, runtimes, fusion, music types.

``bundle`` reads and verifies; ``cnn`` runs in the workers, ``classifier`` in the caller.
"""
