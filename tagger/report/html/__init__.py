"""A run as one page for a browser: its data, its programme and its looks in a single file.

``writer`` takes the tracks, ``spool`` keeps them on disk until the end, ``projection`` lays out
the map; the page itself is in the files beside this one.
"""
