"""Runs a function over many tasks in worker processes."""
