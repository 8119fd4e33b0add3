"""One storage style a container family: pure ``get`` and ``put`` over mutagen's tag objects."""
