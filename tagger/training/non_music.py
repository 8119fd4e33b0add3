"""Teaches a model what is no music: ``python -m tagger.training.non_music DATA --music MUSIC
--speech SPEECH``.

Speech, noise and tones are made here, music comes from the same data sets as the model and from the
free music (:mod:`tagger.training.free_music`), among which there are recordings of noise, too, and
recorded speech from :mod:`tagger.training.recorded_speech`; a logistic regression on the model's
own features tells them apart. It is added to the bundle as
numbers in its manifest, and its figures to the bundle's card. Nothing else changes.

Needs the speech synthesisers espeak-ng, flite and festival (with the voices that
``sounds.speech.VOICES`` names).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from tagger.analysis.analyse import analyse
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import AudioError, UsageError
from tagger.models.bundle import load_bundle
from tagger.models.music import kind_probabilities
from tagger.training.card import write_text
from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet, load_emotify, load_gtzan
from tagger.training.export import write_bundle
from tagger.training.free_music import SUFFIXES
from tagger.training.free_sounds import UNCLEAR, kind_of
from tagger.training.music_judge import (
    Sounds,
    choose_threshold,
    cross_validated,
    fit_judge,
    judge_sounds,
    weighed,
    weighed_judge,
)
from tagger.training.recorded_speech import speakers, speech_features
from tagger.training.sounds.clips import Clip, clip_features, plan_clips
from tagger.training.sounds.speech import VOICES, missing_programs, mute_voices

__all__ = ["main"]

_REFUSED: Final = 0.01
"""Share of recorded music that may be refused by mistake when the threshold is chosen."""

_SHORT_S: Final = (5.0, 16.0)
_FREE: Final = "free"  # source of the free music
_SPOKEN: Final = "recorded speech"


def main(arguments: list[str] | None = None) -> None:
    """Make the clips, fit, and write manifest, figures and card of a model that exists."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that holds gtzan/, emotify/ and zouk/")
    parser.add_argument("--music", type=Path, required=True, help="folder of free music")
    parser.add_argument("--speech", type=Path, required=True, help="folder of recorded speech")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--work", type=Path, default=Path("build/non-music"))
    parser.add_argument("--each", type=int, default=16, help="clips of each kind of sound")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    bundle = load_bundle(options.model)
    if bundle.features != ENSEMBLE_FEATURES:
        parser.error(f"{options.model} asks for other features than the default model")
    if missing := missing_programs() or mute_voices():
        parser.error(f"not installed: {', '.join(missing)}")
    options.work.mkdir(parents=True, exist_ok=True)
    keep = _Keep(options.work)
    clips = Sounds.joined(
        keep("gtzan", lambda: _music(load_gtzan(options.data / "gtzan"))),
        keep("emotify", lambda: _music(load_emotify(options.data / "emotify"))),
        keep("emotify-short", lambda: _short(options.data / "emotify", options.seed)),
        keep("free", lambda: _free(options.music, bundle.excerpts, options.jobs)),
        keep("speech", lambda: _spoken(options.speech, bundle.excerpts, options.seed)),
        keep(f"made-{options.each}", lambda: _made(options.each, bundle.excerpts, options.jobs)),
    )
    others = keep("others", lambda: _others(options.data, bundle.excerpts))
    print(f"{len(clips)} clips, {int(clips.real.sum())} of them recordings of music", flush=True)
    unseen = cross_validated(clips, clips.groups, options.seed)
    # Each clip of ours for itself: other clips of its family and voice are fitted on.
    alone = np.where(clips.real, clips.groups, np.arange(len(clips)).astype(str))
    seen = cross_validated(clips, alone, options.seed)
    threshold = choose_threshold(unseen[clips.real].sum(axis=1), _REFUSED)
    # What is told to people is the odds that the threshold was chosen for.
    spec = weighed_judge(fit_judge(clips), threshold)
    parts = weighed(unseen, threshold), weighed(seen, threshold)
    figures = judge_sounds(clips, *parts, spec.threshold) | {"chosen": threshold}
    figures["elsewhere"] = _elsewhere(clips, others, threshold)
    written = write_bundle(replace(bundle, music=spec), options.model)
    _update_figures(options.model, figures)
    write_text(written, json.loads((options.model / "figures.json").read_text()), options.model)
    print(json.dumps({k: figures[k] for k in ("threshold", "kinds", "music", "elsewhere")}))


class _Keep:
    """Keeps sets of clips in a folder, so that a run that is stopped goes on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, make: Callable[[], Sounds]) -> Sounds:
        path = self._folder / f"{name}.npz"
        if not path.is_file():
            clips = make()
            partial = path.with_suffix(".partial.npz")
            np.savez(
                partial,
                features=clips.features,
                kinds=clips.kinds,
                families=clips.families,
                groups=clips.groups,
                sources=clips.sources,
            )
            partial.replace(path)
        with np.load(path, allow_pickle=False) as kept:
            return Sounds(**{key: kept[key] for key in kept.files})


def _sounds(
    features: npt.NDArray[np.float32], families: Sequence[str], groups: Sequence[str], source: str
) -> Sounds:
    n = len(features)
    return Sounds(
        features, np.full(n, "music"), np.array(families), np.array(groups), np.full(n, source)
    )


def _music(tracks: TrackSet) -> Sounds:
    source = str(tracks.source[0])
    return _sounds(tracks.features, list(tracks.genres), list(tracks.groups), source)


def _short(folder: Path, seed: int) -> Sounds:
    """One stretch of each of Emotify's clips, as short as sounds often are."""
    rng = np.random.default_rng(seed)
    features, genres, artists = [], [], []
    with (folder / "tracks.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            plan = ExcerptPlan(1, float(rng.uniform(*_SHORT_S)))
            features.append(analyse(read_signal(folder / row["file"], plan), ENSEMBLE_FEATURES))
            genres.append(row["genre"])
            artists.append(f"emotify/{row['artist']}")
    stacked = np.stack([analysis.features for analysis in features])
    return _sounds(stacked, genres, artists, "emotify, short")


def _free(folder: Path, plan: ExcerptPlan, jobs: int) -> Sounds:
    """Recordings of free music, and what there is of noise and speech among them."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    names = [path.relative_to(folder).as_posix() for path in paths]
    kinds = [kind_of(name) for name in names]
    rows = Parallel(n_jobs=jobs)(
        delayed(_features_of)(path, plan)
        for path, kind in zip(paths, kinds, strict=True)
        if kind != UNCLEAR
    )
    known = [(n, k) for n, k in zip(names, kinds, strict=True) if k != UNCLEAR]
    heard = [(*of, row) for of, row in zip(known, rows, strict=True) if row is not None]
    if not heard:
        raise UsageError(f"{folder}: no recording that can be heard")
    return Sounds(
        np.stack([row for _, _, row in heard]),
        np.array([kind for _, kind, _ in heard]),
        np.array([kind for _, kind, _ in heard]),
        np.array([f"{_FREE}/{name.partition('/')[0]}" for name, _, _ in heard]),
        np.full(len(heard), _FREE),
    )


def _spoken(folder: Path, plan: ExcerptPlan, seed: int) -> Sounds:
    """Recorded speech."""
    parts = []
    for i, speaker in enumerate(speakers(folder)):
        features = speech_features(speaker, plan, np.random.default_rng([seed, i]))
        n = len(features)
        parts.append(
            Sounds(
                features,
                np.full(n, "speech"),
                np.full(n, speaker.family),
                np.full(n, speaker.group),
                np.full(n, _SPOKEN),
            )
        )
    return Sounds.joined(*parts)


def _features_of(path: Path, plan: ExcerptPlan) -> npt.NDArray[np.float32] | None:
    try:
        return analyse(read_signal(path, plan), ENSEMBLE_FEATURES).features
    except AudioError as error:
        print(f"left out: {path}: {error}", flush=True)
        return None


def _made(each: int, plan: ExcerptPlan, jobs: int) -> Sounds:
    clips = plan_clips(each)
    rows = Parallel(n_jobs=jobs)(
        delayed(clip_features)(clip, ENSEMBLE_FEATURES, plan) for clip in clips
    )
    return Sounds(
        np.stack(rows),
        np.array([clip.kind for clip in clips]),
        np.array([_family(clip) for clip in clips]),
        np.array([clip.source for clip in clips]),
        np.full(len(clips), "made"),
    )


def _family(clip: Clip) -> str:
    return f"{VOICES[clip.voice].engine}, {clip.family}" if clip.voice >= 0 else clip.family


def _others(data: Path, plan: ExcerptPlan) -> Sounds:
    """Music that nothing is fitted on: zouk, and GTZAN's audio through our own decoder."""
    parts = []
    for source, folder, ending in (("zouk", "zouk", "ogg"), ("gtzan audio", "gtzan/audio", "flac")):
        paths = sorted((data / folder).glob(f"*.{ending}"))
        features = [analyse(read_signal(path, plan), ENSEMBLE_FEATURES).features for path in paths]
        names = [path.stem for path in paths]
        parts.append(_sounds(np.stack(features), [source] * len(names), names, source))
    return Sounds.joined(*parts)


def _elsewhere(clips: Sounds, others: Sounds, threshold: float) -> list[dict[str, Any]]:
    """Each source of clips, judged by a fit that saw nothing of it."""
    found = []

    def judged(name: str, rows: Sounds, fitted_on: Sounds) -> None:
        refusal = kind_probabilities(rows.features, fit_judge(fitted_on)).sum(axis=1)
        found.append({"what": name, "n": len(rows), "refused": int((refusal >= threshold).sum())})

    for source in np.unique(others.sources):
        # GTZAN's audio holds tracks of its table, which the fit must not have seen.
        unknown = ~np.char.startswith(clips.sources, str(source).split()[0])
        judged(f"music: {source}", others.take(others.sources == source), clips.take(unknown))
    for name in ("gtzan", "emotify"):
        rows = np.char.startswith(clips.sources, name)
        judged(f"music: {name}", clips.take(rows), clips.take(~rows))
    free = clips.sources == _FREE
    for what, rows in (("music", clips.kinds == "music"), ("other sounds", clips.kinds != "music")):
        judged(f"{what}: free music", clips.take(free & rows), clips.take(~free))
    spoken = clips.sources == _SPOKEN
    judged(f"speech: {_SPOKEN}", clips.take(spoken), clips.take(~spoken))
    speech = clips.kinds == "speech"
    for engine in ("espeak", "flite", "festival"):
        rows = speech & np.char.startswith(clips.families, engine)
        judged(f"speech: {engine}", clips.take(rows), clips.take(~rows))
    return found


def _update_figures(folder: Path, figures: dict[str, Any]) -> None:
    path = folder / "figures.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    known["non_music"] = figures
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
