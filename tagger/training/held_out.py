"""Tables of the clips that the default model's development split keeps apart.

As ``path,genre,artist``, which every command of training takes. Only clips that there is audio
of: all of Emotify's, some of GTZAN's.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

import numpy as np

__all__ = ["write_held_out"]


def write_held_out(data: Path, artists: Collection[str], folder: Path) -> list[Path]:
    """Write ``held_out_emotify.csv`` and, where there is audio of it, ``held_out_gtzan.csv``.

    Args:
        data: folder that holds ``gtzan/`` and ``emotify/``.
        artists: the artists kept apart, as :class:`~tagger.training.datasets.TrackSet` names
            them in ``groups``; of GTZAN its own partition decides.
        folder: where the tables go.

    Returns:
        The tables written.
    """
    with (data / "emotify" / "tracks.csv").open(newline="", encoding="utf-8") as stream:
        emotify = [
            (data / "emotify" / row["file"], row["genre"], row["artist"])
            for row in csv.DictReader(stream)
            if f"emotify/{row['artist']}" in artists
        ]
    with np.load(data / "gtzan" / "spectrograms.npz", allow_pickle=False) as archive:
        valid = archive["split"] == "valid"
        genres = dict(zip(archive["track"][valid], archive["genre"][valid], strict=True))
    gtzan = [
        (path, str(genres[path.stem]), path.stem)
        for path in sorted((data / "gtzan" / "audio").glob("*.flac"))
        if path.stem in genres
    ]
    tables = []
    for name, rows in (("emotify", emotify), ("gtzan", gtzan)):
        if rows:
            table = folder / f"held_out_{name}.csv"
            with table.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.writer(stream)
                writer.writerow(["path", "genre", "artist"])
                writer.writerows([str(path.absolute()), genre, by] for path, genre, by in rows)
            tables.append(table)
    return tables
