"""genretag beside what else people run on the same files, on one core each.

``python tests/benchmarks/side_by_side.py [FOLDER] [--essentia PYTHON]``

The contestants, each in a process of its own that is warm before the clock starts:

- genretag: a worker's route and the classifier (decode excerpts to genres), no tags written;
- the script that a tutorial shows: ``librosa.load`` of the whole file, one librosa call a
  feature with mean and deviation, a mel spectrogram into Keras' ``predict`` (``genretag[train]``);
- Essentia's ``MusicExtractor`` (if the Python given has the package), which gives descriptors
  and no genre.

Without a folder, four-minute tracks are synthesised. Files are taken in turn by all, so that a
slow moment hits everybody; medians over the files, as ratios to genretag.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

GENRETAG = """
from pathlib import Path
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.workflows.hear import Listener
bundle = load_bundle(find_bundle("default"))
listener, classifier = Listener(bundle), Classifier(bundle)
def run(path):
    classifier.predict([listener.hear(Path(path))])
"""

SCRIPT = """
import librosa, numpy as np, keras
keras.utils.disable_interactive_logging()
from tagger.training.networks import resnet
network = resnet(11, 128)
def run(path):
    y, sr = librosa.load(path)
    found = [
        librosa.feature.chroma_stft(y=y, sr=sr), librosa.feature.rms(y=y),
        librosa.feature.spectral_centroid(y=y, sr=sr),
        librosa.feature.spectral_bandwidth(y=y, sr=sr),
        librosa.feature.spectral_rolloff(y=y, sr=sr),
        librosa.feature.zero_crossing_rate(y), librosa.effects.harmonic(y)[None],
        librosa.effects.percussive(y)[None], librosa.feature.mfcc(y=y, sr=sr, n_mfcc=20),
        np.atleast_2d(librosa.beat.beat_track(y=y, sr=sr)[0]),
    ]
    np.concatenate([[f.mean(), f.std()] for f in found])
    log_mel = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr, n_mels=128))
    patches = [log_mel[:, i : i + 128] for i in range(0, log_mel.shape[1] - 127, 128)]
    network.predict(np.stack(patches)[..., None], verbose=0)
"""

ESSENTIA = """
import essentia
essentia.log.infoActive = essentia.log.warningActive = False
from essentia.standard import MusicExtractor
extract = MusicExtractor(lowlevelStats=["mean", "stdev"], rhythmStats=["mean", "stdev"],
                         tonalStats=["mean", "stdev"])
def run(path):
    extract(path)
"""

LOOP = """
import sys, time
run(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    begun = time.perf_counter()
    run(line.rstrip("\\n"))
    print(time.perf_counter() - begun, flush=True)
"""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
              "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")  # fmt: skip


class Contestant:
    """A process that takes file names and answers with seconds."""

    def __init__(self, python: str, code: str, warm_up: Path) -> None:
        environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if hasattr(os, "sched_setaffinity"):
            code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n" + code
        self._process = subprocess.Popen(
            [python, "-c", code + LOOP, warm_up],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._answer()

    def seconds(self, path: Path) -> float:
        """Time for one file."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            word = line.strip()
            if word == "ready" or word.replace(".", "").replace("e-", "").isdigit():
                return word
        raise RuntimeError(f"ended with exit code {self._process.wait()}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="MP3 files to take")
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--essentia", default=sys.executable, metavar="PYTHON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or synthesised(Path(scratch), options.files)
        files = sorted(folder.rglob("*.mp3"))[: options.files]
        wanted = {
            "genretag": (sys.executable, GENRETAG),
            "librosa script, Keras": (sys.executable, SCRIPT),
            "Essentia MusicExtractor": (options.essentia, ESSENTIA),
        }
        rivals = {}
        for name, (python, code) in wanted.items():
            try:
                rivals[name] = Contestant(python, code, files[0])
            except RuntimeError as error:
                print(f"{name}: not measured, {error}")
        times: dict[str, list[float]] = {name: [] for name in rivals}
        for path in files:
            for name, rival in rivals.items():
                times[name].append(rival.seconds(path))
        for rival in rivals.values():
            rival.close()
    ours = statistics.median(times["genretag"])
    print(f"{len(files)} files, one core, medians")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"  {name:<26}{1000 * median:9.0f} ms a track{median / ours:8.1f} x genretag")


def synthesised(folder: Path, count: int) -> Path:
    """Four-minute tracks, each of its own seed."""
    import numpy as np
    import soundfile

    sr = 44_100
    t = np.arange(240 * sr) / sr
    for seed in range(count):
        rng = np.random.default_rng(seed)
        notes = 110 * 2 ** (rng.integers(0, 36, 6) / 12)
        tone = sum(np.sin(2 * np.pi * f * t) for f in notes) / 10
        beat = rng.normal(0, 0.3, len(t)) * (np.mod(t, rng.uniform(0.4, 0.7)) < 0.05)
        soundfile.write(folder / f"{seed}.mp3", np.stack([tone + beat, tone - beat], 1), sr)
    return folder


if __name__ == "__main__":
    main()
