"""Sounds made from arithmetic and from speech synthesis: what music is told apart from."""
