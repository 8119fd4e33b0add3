"""Recorded speech to listen to: ``python -m tagger.training.recorded_speech FOLDER``.

Debian has the announcements of a telephone exchange in five languages, each read by a
professional, and two games in which volunteers say words, letters and syllables in some thirty
languages, all under licences that let anyone use and change them. The packages are fetched and
unpacked as the free music's are (:mod:`tagger.training.free_music`); what is kept lies in a folder
a package and, in that, a folder a language.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy.signal import lfilter

from tagger.analysis.analyse import analyse
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.audio.samples import SAMPLE_RATE, Samples
from tagger.errors import UsageError
from tagger.training.datasets import ENSEMBLE_FEATURES
from tagger.training.free_music import fetch

__all__ = ["PACKAGES", "Speaker", "main", "said_by", "speakers", "speech_features"]

PACKAGES: Final = (
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-es-wav",
    "asterisk-core-sounds-fr-wav",
    "asterisk-core-sounds-it-wav",
    "asterisk-core-sounds-ru-wav",
    "klettres-data",
    "ktuberling-data",
)
"""Packages of Debian 12 with recordings of people who speak."""

_SUFFIXES: Final = frozenset({".ogg", ".wav"})
_ALSO: Final = {"es_MX_f_Allison": "en_US_f_Allison"}
"""One person for two languages."""
_ABOVE_LANGUAGES: Final = frozenset({"klettres", "sounds"})
_LEAST_S: Final = 0.07  # of a word
_LEAST_PEAK: Final = 0.01
_LEAST_OF_ALL_S: Final = 8.0  # of a speaker
_CLIP_S: Final = 30.0
_PAUSES_S: Final = (0.1, 0.5)
_PLENTY_S: Final = 1300.0
_FEW, _MANY = 2, 8  # clips of a speaker
_LEVEL: Final = 0.6
_ROOM_DB: Final = (-75.0, -35.0)  # against the loudest sample
_DULL: Final = (0.0, 0.95)  # of a one-pole low-pass filter


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says something in a package and a language.

    Attributes:
        package: where it comes from.
        language: as the package names it.
        recordings: a word, a letter or a sentence each.
    """

    package: str
    language: str
    recordings: tuple[Path, ...]

    @property
    def group(self) -> str:
        """What must not be on both sides of a split: a language, whatever its script or country,
        since the same volunteer may have spoken it for two packages."""
        language = _ALSO.get(self.language, self.language)
        return f"speech/{language.partition('@')[0].partition('_')[0]}"

    @property
    def family(self) -> str:
        """What is said: announcements, or words one by one."""
        return "announcements" if self.package.startswith("asterisk") else self.package


def main(arguments: list[str] | None = None) -> None:
    """Fetch the packages that are not in the folder yet; status 1 if some are still missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    try:
        for package in PACKAGES:
            if not (folder / package).exists():
                print(f"{package}: {fetch(package, folder, _recordings)}", flush=True)
    except UsageError as error:
        sys.exit(str(error))
    if missing := [package for package in PACKAGES if not (folder / package).exists()]:
        sys.exit(f"not there: {', '.join(missing)}; `apt-get update` may help, and the same again")


def speakers(folder: Path) -> list[Speaker]:
    """All who speak in a folder that :func:`main` filled.

    Raises:
        UsageError: nobody does.
    """
    found = [
        Speaker(package.name, language.name, tuple(sorted(language.iterdir())))
        for package in sorted(folder.iterdir() if folder.is_dir() else ())
        for language in sorted(package.iterdir())
        if language.is_dir()
    ]
    if not found:
        raise UsageError(
            f"{folder}: no recorded speech; `python -m tagger.training.recorded_speech {folder}`"
            " fetches it"
        )
    return found


def said_by(speaker: Speaker, rng: np.random.Generator) -> list[Samples]:
    """Clips of up to 30 s: recordings in an order drawn at random, with pauses between them, in a
    room whose noise is drawn, too.

    Returns:
        eight clips of who speaks for more than 21 minutes, two of others, at
        :data:`~tagger.audio.samples.SAMPLE_RATE`; none of who speaks for less than 8 s.
    """
    words = [_word(path) for path in speaker.recordings]
    words = [y for y in words if len(y) > _LEAST_S * SAMPLE_RATE and np.abs(y).max() > _LEAST_PEAK]
    seconds = sum(map(len, words)) / SAMPLE_RATE
    if seconds < _LEAST_OF_ALL_S:
        return []
    clips = []
    for _ in range(_MANY if seconds > _PLENTY_S else _FEW):
        parts: list[Samples] = []
        for i in rng.permutation(len(words)):
            pause = np.zeros(round(rng.uniform(*_PAUSES_S) * SAMPLE_RATE), dtype=np.float32)
            parts += [words[i], pause]
            if sum(map(len, parts)) > _CLIP_S * SAMPLE_RATE:
                break
        y = np.concatenate(parts)[: round(_CLIP_S * SAMPLE_RATE)]
        clips.append(y + _room(len(y), rng))
    return clips


def speech_features(
    speaker: Speaker, plan: ExcerptPlan, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """What a scan would hear of a speaker's clips, shape (n_clips, n_features)."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.flac"
        for y in said_by(speaker, rng):
            soundfile.write(path, y, SAMPLE_RATE)
            rows.append(analyse(read_signal(path, plan), ENSEMBLE_FEATURES).features)
    return np.array(rows, dtype=np.float32).reshape(-1, len(ENSEMBLE_FEATURES))


def _room(n: int, rng: np.random.Generator) -> Samples:
    """Steady noise, white to dull. Without, what is silent between the words would give all of
    these clips away."""
    noise = lfilter([1.0], [1.0, -rng.uniform(*_DULL)], rng.normal(0, 1, n))
    level = _LEVEL * 10 ** (rng.uniform(*_ROOM_DB) / 20)
    return np.asarray(noise * (level / noise.std()), dtype=np.float32)


def _word(path: Path) -> Samples:
    """Mono, at our rate, no louder than the others: each was recorded for itself."""
    y, sr = soundfile.read(path, dtype="float32", always_2d=True)
    y = np.asarray(soxr.resample(y.mean(axis=1), sr, SAMPLE_RATE), dtype=np.float32)
    peak = float(np.abs(y).max(initial=0))
    return y * np.float32(_LEVEL / peak) if peak > _LEAST_PEAK else y


def _recordings(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Language and name, and the data, of each recording of a package."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        below = next((i for i, part in enumerate(parts) if part in _ABOVE_LANGUAGES), len(parts))
        language, *names = parts[below + 1 :] or ("",)
        if not names or "silence" in names or path.suffix.lower() not in _SUFFIXES:
            continue
        if path.is_file() and not path.is_symlink():
            yield f"{language}/{'-'.join(names)}", path.read_bytes()


if __name__ == "__main__":
    main()
