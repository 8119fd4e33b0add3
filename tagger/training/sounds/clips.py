"""Clips of what is no music, and of spare music, heard the way a scan hears a file.

Each clip is written as a file, in a container, at a level and of a length that are drawn from
its own seed, and read back by the decoder: codec, resampling and silence are part of it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import soundfile

from tagger.analysis.analyse import analyse
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.training.sounds.music import SPARE_MUSIC
from tagger.training.sounds.noises import NOISES
from tagger.training.sounds.shaping import Samples, levelled
from tagger.training.sounds.speech import STYLES, VOICES, speech
from tagger.training.sounds.tones import TONES

__all__ = ["Clip", "clip_features", "make_clip", "plan_clips"]

Kind = Literal["music", "speech", "noise", "tone"]

_MAKERS: Final = {"noise": NOISES, "tone": TONES, "music": SPARE_MUSIC}
_CONTAINERS: Final = (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III"),
                      ("OGG", "VORBIS"))  # fmt: skip
_SHORTEST_S: Final = 4.0
_LONGEST_S: Final = 45.0
_BLOCK: Final = 1 << 15  # libsndfile's Vorbis encoder overflows its stack on long buffers


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip to be made.

    Attributes:
        kind: what it is.
        family: how it is made; of speech, the style.
        voice: place in ``VOICES`` of who speaks, or -1.
        number: which one of its family and voice.
    """

    kind: Kind
    family: str
    voice: int
    number: int

    @property
    def source(self) -> str:
        """What must not be on both sides of a split: the voice, or the family."""
        return str(VOICES[self.voice]) if self.voice >= 0 else f"{self.kind} {self.family}"


def plan_clips(each: int) -> list[Clip]:
    """``each`` clips of every family of noise, tones and spare music, and a third as many of
    every voice, in all styles by turns."""
    clips = [
        Clip(kind, family, -1, number)  # type: ignore[arg-type]
        for kind, makers in _MAKERS.items()
        for family in makers
        for number in range(each)
    ]
    clips += [
        Clip("speech", STYLES[(voice + number) % len(STYLES)], voice, number)
        for voice in range(len(VOICES))
        for number in range(max(1, each // 3))
    ]
    return clips


def make_clip(clip: Clip) -> tuple[Samples, int]:
    """The samples of a clip, float64 in [-1, 1] of shape (n,) or (n, 2), and their rate in Hz."""
    rng = _random(clip)
    sr = int(rng.choice([16_000, 22_050, 22_050, 44_100]))
    seconds = float(np.exp(rng.uniform(np.log(_SHORTEST_S), np.log(_LONGEST_S))))
    n = round(seconds * sr)
    if clip.kind == "speech":
        engine = VOICES[clip.voice].engine
        same = [i for i, v in enumerate(VOICES) if v.engine == engine and i != clip.voice]
        others = {"dialogue": 1, "crowd": 3}.get(clip.family, 0)
        voices = [clip.voice, *rng.choice(same, others, replace=False)]
        y = speech(rng, clip.family, [VOICES[int(i)] for i in voices], n, sr)
    else:
        y = _MAKERS[clip.kind][clip.family](rng, n, sr)
    y = levelled(y, 10 ** (-rng.uniform(0.05, 1.6)))  # -1 to -32 dBFS
    if rng.random() < 0.3:
        y = np.stack([y, y * rng.uniform(0.3, 1)], axis=1)
    return y, sr


def clip_features(
    clip: Clip, features: Sequence[str], plan: ExcerptPlan
) -> npt.NDArray[np.float32]:
    """What a scan would hear of a clip: float32, shape (n_features,)."""
    y, sr = make_clip(clip)
    container, subtype = _CONTAINERS[int(_random(clip, "container").integers(len(_CONTAINERS)))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        channels = 1 if y.ndim == 1 else y.shape[1]
        with soundfile.SoundFile(
            path, "w", samplerate=sr, channels=channels, format=container, subtype=subtype
        ) as file:
            for start in range(0, len(y), _BLOCK):
                file.write(y[start : start + _BLOCK])
        return analyse(read_signal(path, plan), features).features


def _random(clip: Clip, purpose: str = "") -> np.random.Generator:
    text = f"{clip.kind}/{clip.family}/{clip.voice}/{clip.number}/{purpose}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
