"""The worker's part of the route: decode excerpts, analyse them, look with the network."""

from __future__ import annotations

from pathlib import Path

from tagger.analysis.analyse import analyse_spectrum
from tagger.analysis.features import check_feature_names
from tagger.analysis.spectrum import Spectrum
from tagger.audio.decode import read_signal
from tagger.domain import Hearing
from tagger.errors import ModelError
from tagger.models.bundle import Bundle, load_bundle
from tagger.models.cnn import Cnn, cut_patches

__all__ = ["Listener", "hear", "start_listener"]


class Listener:
    """Hears tracks as one model asks for it.

    Raises:
        ModelError: the network cannot be loaded, or a feature is unknown.
    """

    def __init__(self, bundle: Bundle) -> None:
        try:
            check_feature_names(bundle.features)
        except ValueError as error:
            raise ModelError(f"{bundle.folder}: {error}; this genretag may be too old") from error
        self._bundle = bundle
        self._cnn = Cnn(bundle)

    @property
    def patch_s(self) -> float:
        """Length of the network's patches in seconds."""
        return self._bundle.cnn.patch_s

    def hear(self, path: Path) -> Hearing:
        """Decode and analyse one file.

        Raises:
            AudioError: it cannot be decoded.
            NotMusicError: it holds nothing to classify.
        """
        signal = read_signal(path, self._bundle.excerpts)
        spectrum = Spectrum([e.y for e in signal.excerpts], signal.sr)
        starts_s = tuple(e.start_s for e in signal.excerpts)
        return self.hear_spectrum(spectrum, starts_s, signal.duration_s)

    def hear_spectrum(
        self, spectrum: Spectrum, starts_s: tuple[float, ...], duration_s: float
    ) -> Hearing:
        """Analyse excerpts of a track that is ``duration_s`` long, given their spectrum and
        where they start."""
        spec = self._bundle.cnn
        analysis = analyse_spectrum(
            spectrum, starts_s, self._bundle.features, every_frame=spec.every_frame
        )
        patches, patch_starts_s = cut_patches(analysis.picture, analysis.part_starts_s, spec)
        look = self._cnn.look(patches)
        return Hearing(
            duration_s=duration_s,
            heard_s=sum(map(len, spectrum.ys)) / spectrum.sr,
            features=analysis.features,
            patch_log_probs=look.log_probs,
            patch_starts_s=patch_starts_s,
            embedding=look.embeddings.mean(axis=0),
        )


_listener: Listener | None = None  # one per worker process, set by start_listener


def start_listener(folder: Path) -> None:
    """Load the model of this worker process."""
    global _listener
    _listener = Listener(load_bundle(folder))


def hear(path: Path) -> Hearing:
    """Hear one file with this worker's model."""
    if _listener is None:
        raise RuntimeError("start_listener was not called in this process")
    return _listener.hear(path)
