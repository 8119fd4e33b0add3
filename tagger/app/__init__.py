"""A page in the browser, served to this machine alone: drop a file, see what is heard in it.

``answer`` finds out, without Gradio; ``page`` lays out, ``serve`` starts and cleans up.
"""
