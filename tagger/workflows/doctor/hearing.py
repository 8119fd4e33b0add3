"""Codecs and model, and a made track along the whole route: heard, tagged, read back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from tagger import __version__
from tagger.domain import Finding, Health, Policy
from tagger.errors import GenretagError

if TYPE_CHECKING:
    from tagger.models.classifier import Classifier
    from tagger.workflows.hear import Listener

__all__ = ["codecs", "self_test"]

_SR: Final = 22_050
_SECONDS: Final = 6.0
_CHORDS: Final = ((220.0, 277.2, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7))
_CODECS: Final = {
    "MP3": ("MP3", None),
    "FLAC": ("FLAC", None),
    "Ogg Vorbis": ("OGG", "VORBIS"),
    "Opus": ("OGG", "OPUS"),
    "WAV": ("WAV", None),
    "AIFF": ("AIFF", None),
}
_REINSTALL: Final = "pip install --force-reinstall soundfile"


def codecs() -> Iterator[Finding]:
    """What can be decoded: by libsndfile, and by ffmpeg where it is."""
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: the library itself is missing
        yield Finding("codecs", Health.PROBLEM, f"libsndfile cannot be loaded: {error}", _REINSTALL)
        return
    formats = soundfile.available_formats()
    missing = [
        name
        for name, (container, subtype) in _CODECS.items()
        if container not in formats
        or (subtype and subtype not in soundfile.available_subtypes(container))
    ]
    there = ", ".join(name for name in _CODECS if name not in missing)
    version = soundfile.__libsndfile_version__
    yield Finding("codecs", Health.OK, f"{there} (libsndfile {version})")
    if missing:
        text = f"this libsndfile does not read {', '.join(missing)}"
        yield Finding("codecs", Health.PROBLEM, text, _REINSTALL)
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg:
        yield Finding("codecs", Health.OK, f"M4A (AAC, ALAC) through {ffmpeg}")
    else:
        text = "M4A cannot be heard: there is no ffmpeg"
        yield Finding("codecs", Health.NOTE, text, "install ffmpeg if there is M4A in the library")


def self_test(model: str) -> Iterator[Finding]:
    """Load a model, hear a made track as MP3 and FLAC, tag both and read the tags back."""
    try:
        from tagger.engine.quiet import native_stderr_hidden
        from tagger.models.bundle import find_bundle, load_bundle
        from tagger.models.classifier import Classifier
        from tagger.workflows.hear import Listener

        bundle = load_bundle(find_bundle(model))
        files = len(bundle.weights)
        text = f"{bundle.identity}: {len(bundle.labels)} genres, {files} files match their digests"
        yield Finding("model", Health.OK, text)
        with native_stderr_hidden():
            tester = _Tester(Listener(bundle), Classifier(bundle))
    except GenretagError as error:
        yield Finding(
            "model", Health.PROBLEM, str(error), "install genretag again, or name another"
        )
        return
    except (ImportError, OSError) as error:
        text = f"a library cannot be loaded: {error}"
        advice = "install genretag again, in an environment of its own"
        yield Finding("self-test", Health.PROBLEM, text, advice)
        return
    try:
        with TemporaryDirectory(prefix="genretag-doctor-") as folder:
            for suffix in ("mp3", "flac"):
                with native_stderr_hidden():
                    finding = tester.tested(Path(folder, f"made.{suffix}"))
                yield finding
    except OSError as error:
        text = f"no temporary folder can be used: {error.strerror or error}"
        yield Finding("self-test", Health.PROBLEM, text, "set TMPDIR to a folder with room")


class _Tester:
    """Takes made tracks along the route with one model."""

    def __init__(self, listener: Listener, classifier: Classifier) -> None:
        self._listener = listener
        self._classifier = classifier

    def tested(self, path: Path) -> Finding:
        """Make a track, hear it, tag it, read it back."""
        part, kind = "self-test", path.suffix[1:].upper()
        begun = time.monotonic()
        try:
            self._make(path)
            genre, probability = self._round_trip(path)
        except _DiffersError as error:
            text = f"{kind}: {error}"
            return Finding(part, Health.PROBLEM, text, "please report this as a bug")
        except (GenretagError, RuntimeError) as error:  # RuntimeError: of the encoder
            text = f"{kind}: {error}"
            return Finding(part, Health.PROBLEM, text, "install genretag again")
        took = time.monotonic() - begun
        text = f"{kind}: heard as {genre} {probability:.2f}, tagged and read back, {took:.1f} s"
        return Finding(part, Health.OK, text)

    def _make(self, path: Path) -> None:
        import numpy as np
        import soundfile

        t = np.arange(round(_SECONDS * _SR)) / _SR
        beat = t % 0.5
        chord = np.array(_CHORDS)[(t / 2).astype(int) % len(_CHORDS)]
        tone = np.sin(2 * np.pi * chord * t[:, None]).sum(axis=1) * np.exp(-beat / 0.4)
        hiss = np.random.default_rng(0).normal(0, 1, len(t)) * np.exp(-beat / 0.03)
        soundfile.write(path, 0.1 * tone + 0.1 * hiss, _SR, format=path.suffix[1:].upper())

    def _round_trip(self, path: Path) -> tuple[str, float]:
        from tagger.library.identity import payload_digest, payload_digest_of
        from tagger.models.vocabulary import Thresholds, Vocabulary
        from tagger.tags.policy import PolicySettings, decide
        from tagger.tags.read import read_tags
        from tagger.tags.writer import write_changes

        hearing = self._listener.hear(path)
        prediction = self._classifier.predict([hearing])[0]
        bundle = self._classifier.bundle
        digest = payload_digest(path)
        candidates = Vocabulary().candidates(prediction.genres, Thresholds({}, {}, 0.0))
        settings = PolicySettings(Policy.OVERWRITE)
        before = read_tags(path)
        changes = decide(
            before, prediction, candidates, settings, bundle.identity, __version__
        ).changes
        write_changes(path, changes, payload_digest=payload_digest_of)
        after = read_tags(path).values
        if not changes or any(after.get(change.field) != change.after for change in changes):
            raise _DiffersError("what was written is not what is read back")
        if payload_digest(path) != digest:
            raise _DiffersError("tagging changed the audio")
        return prediction.genres[0]


class _DiffersError(Exception):
    """The route ends elsewhere than it should."""
