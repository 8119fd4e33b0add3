"""``genretag train --network autoencoder``: how tracks sound, in a few numbers, without labels."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.errors import UsageError
from tagger.report.text import counted, shown
from tagger.tags.artists import artist_and_album, tags_or_none
from tagger.training.data import unheard
from tagger.training.datasets import ENSEMBLE_FEATURES
from tagger.training.examples import Example
from tagger.training.hearing import Recipe, hear_examples
from tagger.training.sources import read_labelled
from tagger.training.sources_folders import audio_files
from tagger.training.splits import groups_of, hold_out
from tagger.trust import opener

__all__ = ["CODES", "EncodeOptions", "Encoded", "nearest", "train_autoencoder"]

CODES: Final = "codes.csv"
NEIGHBOURS: Final = "neighbours.csv"
_OURS: Final = ("figures.json", "encoder.tflite")
_N_MFCC: Final = 13
_HELD_SHARE: Final = 0.2
_NEAREST: Final = 5
_LEAST: Final = 4  # tracks

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """What to learn from.

    Attributes:
        data: a folder of music, or a CSV of tracks; genres are not asked for.
        out: folder of what comes of it.
        epochs: passes over the sequences.
        sonify: file for the sound of a track that was not learned from, as its codes keep it.
        seed: of weights, order and split.
        jobs: worker processes.
    """

    data: Path
    out: Path
    epochs: int = 40
    sonify: Path | None = None
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Encoded:
    """What came of it.

    Attributes:
        figures: ``tracks``, ``held``, ``sequences``, ``unit``, ``numbers``, ``error`` (on tracks
            that were not learned from; always answering the mean costs about 1), ``alike`` (share
            of tracks whose nearest is of their artist, and by chance), ``seconds``.
        heard: the track that was made audible, if any, and how long it is in seconds.
    """

    figures: dict[str, Any]
    heard: tuple[Path, float] | None


def train_autoencoder(
    options: EncodeOptions,
    *,
    say: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Encoded:
    """Hear tracks, learn their codes, and write encoder, codes and nearest tracks.

    Args:
        options: tracks and folder.
        say: told what is left out, a line at a time.
        progress: told how many tracks of how many are heard.

    Raises:
        UsageError: there are too few tracks, or something cannot be written.
    """
    begun = time.monotonic()
    _check_out(options)
    examples, notes = _examples(options.data)
    heard = hear_examples(
        examples,
        Recipe(ENSEMBLE_FEATURES, every_frame=True),
        jobs=options.jobs,
        progress=lambda done: progress(done, len(examples)),
    )
    # Not before the tracks are heard: TensorFlow loads for seconds; and by way of fit, which
    # does it without its chatter.
    import tagger.training.fit  # noqa: F401, I001

    from tagger.training.autoencoder import (
        code_of,
        fit_autoencoder,
        mfcc_of,
        patch_encoder,
        reconstruct,
        sequences_of,
        sonify,
    )
    from tagger.training.export import to_tflite
    from tagger.training.networks_front import mfcc_centre_and_spread

    mfccs = [mfcc_of(sound.picture, _N_MFCC) for sound in heard.sounds]
    cut = [sequences_of(mfcc) for mfcc in mfccs]
    short = [e.path for e, c in zip(heard.examples, cut, strict=True) if not len(c)]
    notes += unheard(heard.problems) + unheard([(p, "shorter than 3 seconds") for p in short])
    for note in notes:
        say(note)
    kept = [i for i, c in enumerate(cut) if len(c)]
    if len(kept) < _LEAST:
        raise UsageError(
            f"{options.data}: {counted(_LEAST, 'track')} are needed to learn codes from; "
            f"{counted(len(kept), 'track')} could be heard"
        )
    tracks, cut = [heard.examples[i] for i in kept], [cut[i] for i in kept]
    groups, unit, _ = groups_of(tracks)
    held = hold_out(groups, np.full(len(groups), "all"), _HELD_SHARE, options.seed)
    rows = np.flatnonzero(~held)
    judged = f"judged on {held.sum()}, split by {unit}" if held.any() else "with none to judge by"
    say(f"fitted on {counted(len(rows), 'track')}, {judged}")
    learned = np.concatenate([cut[i] for i in rows])
    others = [cut[i] for i in np.flatnonzero(held)]
    fitted = fit_autoencoder(
        learned,
        epochs=options.epochs,
        seed=options.seed,
        validation=np.concatenate(others) if others else None,
    )
    codes = np.stack([code_of(fitted.model, c).mean(axis=0) for c in cut])
    _, spread = mfcc_centre_and_spread(_N_MFCC)

    def error(sequences: Array) -> float:
        gap = (sequences - reconstruct(fitted.model, sequences)) / spread[:, None]
        return float(np.square(gap).mean())

    errors = {int(i): error(cut[i]) for i in (np.flatnonzero(held) if others else rows)}
    near = nearest(codes, _NEAREST)
    figures = {
        "tracks": len(tracks),
        "held": int(held.sum()),
        "sequences": len(learned),
        "unit": unit,
        "numbers": codes.shape[1],
        "error": float(np.mean(list(errors.values()))),
        "alike": _alike(groups, near),
        "notes": notes,
        "history": list(fitted.history),
    }
    sound = None
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "encoder.tflite").write_bytes(to_tflite(patch_encoder(fitted.model)))
        _write_codes(options.out, tracks, codes, near)
        if options.sonify:
            # Neither the best nor the worst that it can do.
            middle = sorted(errors, key=lambda i: errors[i])[len(errors) // 2]
            seconds = sonify(fitted.model, mfccs[kept[middle]], options.sonify)
            sound = (tracks[middle].path, seconds)
        figures["seconds"] = time.monotonic() - begun
        text = json.dumps(figures, indent=1) + "\n"
        (options.out / "figures.json").write_text(text, encoding="utf-8")
    except OSError as error_:
        raise UsageError(
            f"--out {options.out}: cannot be written: {error_.strerror or error_}"
        ) from error_
    return Encoded(figures, sound)


def nearest(codes: Array, k: int) -> npt.NDArray[np.intp]:
    """For each track the k whose codes are nearest to its own, each number counting alike.

    Args:
        codes: shape (n, n_numbers).
        k: how many; there are n - 1 if that is less.

    Returns:
        shape (n, k), the nearest first, never the track itself.
    """
    x = (codes - codes.mean(axis=0)) / np.maximum(codes.std(axis=0), 1e-9)
    found = np.empty((len(x), min(k, len(x) - 1)), dtype=np.intp)
    for i, row in enumerate(x):  # a row at a time: n × n distances would fill the memory
        distances = np.square(x - row).sum(axis=1)
        distances[i] = np.inf
        found[i] = np.argsort(distances, kind="stable")[: found.shape[1]]
    return found


def _alike(groups: npt.NDArray[np.str_], near: npt.NDArray[np.intp]) -> dict[str, float] | None:
    """How often the nearest track is of the same artist, where somebody has two."""
    _, which, counts = np.unique(groups, return_inverse=True, return_counts=True)
    same = counts[which] - 1
    several = same > 0
    if not several.any():
        return None
    return {
        "nearest": float((groups[near[:, 0]] == groups)[several].mean()),
        "chance": float((same[several] / (len(groups) - 1)).mean()),
    }


def _examples(data: Path) -> tuple[list[Example], list[str]]:
    if data.suffix.lower() == ".npz":
        raise UsageError(f"{data}: an archive holds no sound; give audio files")
    if not data.is_dir():
        found = read_labelled(data, min_per_genre=1, least_genres=1)
        return list(found.examples), list(found.notes)
    files, notes = audio_files(data)
    if not files:
        raise UsageError(f"{data}: there are no audio files in it")
    examples = []
    for path in sorted(files, key=os.fspath):
        tags = tags_or_none(path)
        artist, album = artist_and_album(tags) if tags else ("", "")
        examples.append(Example(path, "", artist, album))
    return examples, notes


def _check_out(options: EncodeOptions) -> None:
    out = options.out
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: is a file; name a folder")
    if out.is_dir():
        strangers = {p.name for p in out.iterdir()} - {*_OURS, CODES, NEIGHBOURS}
        if strangers:
            raise UsageError(
                f"--out {out}: holds other files ({min(strangers)}); name a new folder"
            )
    if options.sonify and not options.sonify.absolute().parent.is_dir():
        raise UsageError(f"--sonify {options.sonify}: there is no such folder")


def _write_codes(
    out: Path, tracks: Sequence[Example], codes: Array, near: npt.NDArray[np.intp]
) -> None:
    with open(out / CODES, "w", newline="", encoding="utf-8", opener=opener) as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", *(f"code_{i:02d}" for i in range(codes.shape[1]))])
        for track, code in zip(tracks, codes, strict=True):
            writer.writerow([shown(track.path), *(f"{value:.6g}" for value in code)])
    with open(out / NEIGHBOURS, "w", newline="", encoding="utf-8", opener=opener) as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", *(f"nearest_{i + 1}" for i in range(near.shape[1]))])
        for track, others in zip(tracks, near, strict=True):
            writer.writerow([shown(track.path), *(shown(tracks[i].path) for i in others)])
