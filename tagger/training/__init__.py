"""Makes models: data, networks, fitting, figures, export. The only room with TensorFlow.

Needs ``pip install 'genretag[train]'``.
"""
