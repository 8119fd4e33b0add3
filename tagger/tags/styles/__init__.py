"""One storage style a container family: pure ``get`` and ``put`` over fields as they are stored."""
