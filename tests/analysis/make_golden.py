"""Write golden.json: some numbers of the front end, for the synthetic song.

They pin the analysis against a library that computes something else one day. Run this file
only after a change that is meant, and raise ``ANALYSIS_VERSION`` with it:

    PYTHONPATH=.:tests python tests/analysis/make_golden.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import synth

from tagger.analysis.analyse import analyse
from tagger.audio.decode import Excerpt, Signal

GOLDEN: Final = Path(__file__).with_name("golden.json")

FEATURES: Final = (
    "chroma_stft.mean.01",
    "chroma_stft.mean.10",
    "chroma_stft.var.all",
    "chroma_cqt.mean.05",
    "chroma_cqt.std.10",
    "chroma_cens.mean.08",
    "chroma_cens.max.10",
    "tonnetz.mean.03",
    "tonnetz.std.05",
    "mfcc.mean.01",
    "mfcc.mean.02",
    "mfcc.std.05",
    "mfcc.skew.03",
    "mfcc.kurtosis.07",
    "mfcc.median.13",
    "mfcc.max.20",
    "rms.mean.01",
    "rms.var.01",
    "zero_crossing_rate.mean.01",
    "spectral_centroid.mean.01",
    "spectral_bandwidth.std.01",
    "spectral_contrast.mean.02",
    "spectral_contrast.std.07",
    "spectral_rolloff.mean.01",
    "tempo",
    "log_mel.mean.03",
    "log_mel.std.20",
    "log_mel_delta.std.10",
)
PIXELS: Final = ((0, 0), (10, 20), (40, 33), (64, 64), (100, 90), (127, 101))
"""(mel band, column) of the first excerpt's picture."""


def compute() -> dict[str, Any]:
    """Analyse two excerpts of the song, as of a track of 60 seconds."""
    y = synth.song(60.0)
    starts_s, seconds, sr = (16.0, 36.0), 8, 22_050
    excerpts = (
        Excerpt(start, y[round(start * sr) : round((start + seconds) * sr)]) for start in starts_s
    )
    analysis = analyse(Signal(tuple(excerpts), 60.0), FEATURES)
    first = analysis.picture.parts[0]
    return {
        "features": {
            name: float(f"{value:.7g}")
            for name, value in zip(FEATURES, analysis.features, strict=True)
        },
        "picture": {f"{row},{column}": int(first[row, column]) for row, column in PIXELS},
    }


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(compute(), indent=2) + "\n", encoding="utf-8")
