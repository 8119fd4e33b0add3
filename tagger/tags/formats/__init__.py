"""File formats: where the tags lie, and how they are put back with all else untouched."""
