"""The shared spectrum and its methods against plain librosa calls."""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
import pytest
import synth

from tagger.analysis.methods import FMA_METHODS, METHODS
from tagger.analysis.spectrum import HOP_LENGTH, N_FFT, Spectrum

SR = 22_050
OCTAVE = {"tuning": 0.0, "bins_per_octave": 12}

Y = np.ndarray


@pytest.fixture(scope="module", params=["song", "noise"])
def y(request: pytest.FixtureRequest) -> Y:
    y = request.getfixturevalue(f"{request.param}_10s")
    # Digital silence between the bursts would compare rounding with rounding.
    return y + synth.noise(10.0, amplitude=1e-3, seed=2)


@pytest.fixture(scope="module")
def spectrum(y: Y) -> Spectrum:
    return Spectrum([y], SR)


def assert_same(ours: Y, theirs: Y, rtol: float = 1e-4) -> None:
    """Equal to ``rtol``, with an absolute floor of ``rtol`` of the loudest value."""
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * float(np.abs(theirs).max()))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("magnitude", lambda y: np.abs(librosa.stft(y))),
        ("power", lambda y: np.abs(librosa.stft(y)) ** 2),
        ("mel", lambda y: librosa.feature.melspectrogram(y=y, sr=SR)),
        ("mel_db", lambda y: librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=SR))),
        ("chroma_stft", lambda y: librosa.feature.chroma_stft(y=y, sr=SR, tuning=0.0)),
        ("cqt", lambda y: np.abs(librosa.cqt(y, sr=SR, tuning=0.0))),
        ("chroma_cens", lambda y: librosa.feature.chroma_cens(y=y, sr=SR, **OCTAVE)),
    ],
)
def test_shared_arrays_are_librosas(
    spectrum: Spectrum, y: Y, name: str, reference: Callable[[Y], Y]
) -> None:
    assert_same(getattr(spectrum, name), reference(y))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("chroma_stft", lambda y: librosa.feature.chroma_stft(y=y, sr=SR, tuning=0.0)),
        ("chroma_cqt", lambda y: librosa.feature.chroma_cqt(y=y, sr=SR, **OCTAVE)),
        ("chroma_cens", lambda y: librosa.feature.chroma_cens(y=y, sr=SR, **OCTAVE)),
        (
            "tonnetz",
            lambda y: librosa.feature.tonnetz(
                chroma=librosa.feature.chroma_cens(y=y, sr=SR, **OCTAVE)
            ),
        ),
        ("mfcc", lambda y: librosa.feature.mfcc(y=y, sr=SR, n_mfcc=20)),
        ("rms", lambda y: librosa.feature.rms(y=y)),
        ("zero_crossing_rate", lambda y: librosa.feature.zero_crossing_rate(y)),
        ("spectral_centroid", lambda y: librosa.feature.spectral_centroid(y=y, sr=SR)),
        ("spectral_bandwidth", lambda y: librosa.feature.spectral_bandwidth(y=y, sr=SR)),
        ("spectral_contrast", lambda y: librosa.feature.spectral_contrast(y=y, sr=SR)),
        ("spectral_rolloff", lambda y: librosa.feature.spectral_rolloff(y=y, sr=SR)),
        ("tempo", lambda y: librosa.feature.tempo(y=y, sr=SR)[:, None]),
    ],
)
def test_methods_are_librosas(
    spectrum: Spectrum, y: Y, name: str, reference: Callable[[Y], Y]
) -> None:
    method = METHODS[name]
    ours, theirs = method.compute(spectrum, None), reference(y)
    assert len(ours) == method.rows
    if name == "spectral_rolloff":
        # A threshold on a sum: rounding may move a rare frame to the next bin.
        assert (np.abs(ours - theirs) > 1e-3).mean() < 0.01
        assert_same(ours, theirs, rtol=SR / N_FFT / theirs.max())
    else:
        # Contrast takes the quietest bins in dB: float32's rounding, magnified.
        assert_same(ours, theirs, rtol=1e-3 if name == "spectral_contrast" else 1e-4)


def test_every_fma_method_was_compared() -> None:
    (compared,) = (
        {case[0] for case in mark.args[1]}
        for mark in test_methods_are_librosas.pytestmark
        if mark.name == "parametrize"
    )
    assert compared == {method.name for method in FMA_METHODS} | {"tempo"}


def test_the_songs_tempo_is_heard(song_10s: Y) -> None:
    (tempo,) = METHODS["tempo"].compute(Spectrum([song_10s], SR), None)[0]
    assert tempo == pytest.approx(120, abs=3)


def test_a_tone_lands_in_its_chroma() -> None:
    minor_third = synth.sine(440.0, 3.0) + synth.sine(523.25, 3.0)
    spectrum = Spectrum([minor_third], SR)
    for name in ("chroma_stft", "chroma_cqt", "chroma_cens"):
        chroma = METHODS[name].compute(spectrum, None).mean(axis=1)
        assert set(np.argsort(chroma)[-2:]) == {9, 0}, name  # A and C


@pytest.mark.parametrize("f", [0.0, 200.0, 340.0, 5_000.0, SR / 2])
def test_the_rolloff_of_a_tone_is_its_frequency(f: float) -> None:
    y = np.cos(2 * np.pi * f / SR * np.arange(SR)).astype(np.float32)
    rolloff = METHODS["spectral_rolloff"].compute(Spectrum([y], SR), None)
    np.testing.assert_allclose(rolloff[:, 3:-3], f, atol=2 * SR / N_FFT)


def test_the_rolloff_adds_up_bin_by_bin(spectrum: Spectrum) -> None:
    cumulative = np.cumsum(spectrum.magnitude, axis=0)
    below = (cumulative < 0.85 * cumulative[-1]).sum(axis=0)
    rolloff = METHODS["spectral_rolloff"].compute(spectrum, None)
    np.testing.assert_allclose(rolloff[0], below * SR / N_FFT, rtol=1e-6)


@pytest.mark.parametrize("amplitude", [1e-11, 1e-9])
def test_what_is_next_to_nothing_crosses_no_zero(amplitude: float) -> None:
    y = np.where(synth.noise(3.0) < 0, -amplitude, amplitude).astype(np.float32)
    rate = METHODS["zero_crossing_rate"].compute(Spectrum([y], SR), None)
    np.testing.assert_array_equal(rate, librosa.feature.zero_crossing_rate(y).astype(np.float32))
    assert (rate > 0).all() == (amplitude > 1e-10)


# --- several excerpts ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(song_10s: Y, noise_10s: Y) -> tuple[Y, Y]:
    """Excerpts that are not alike, with a noise floor well inside 80 dB."""
    first = song_10s[: 3 * SR + 100] + 0.1 * noise_10s[: 3 * SR + 100]
    return first, noise_10s[: 4 * SR]


@pytest.mark.parametrize("name", [method.name for method in FMA_METHODS])
def test_no_frame_spans_a_join(two: tuple[Y, Y], name: str) -> None:
    compute = METHODS[name].compute
    apart = [compute(Spectrum([y], SR), None) for y in two]
    together = compute(Spectrum(two, SR), None)
    assert together.shape[1] == sum(1 + len(y) // HOP_LENGTH for y in two)
    np.testing.assert_allclose(together, np.concatenate(apart, axis=1), rtol=1e-5, atol=1e-5)


def test_frames_are_split_where_they_were_joined(two: tuple[Y, Y]) -> None:
    spectrum = Spectrum(two, SR)
    parts = spectrum.per_excerpt(spectrum.magnitude)
    assert [part.shape[1] for part in parts] == list(spectrum.frame_counts)
    for part, y in zip(parts, two, strict=True):
        np.testing.assert_array_equal(part, Spectrum([y], SR).magnitude)


def test_tempo_of_two_excerpts_is_heard_in_each_apart(
    song_10s: Y, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    onset_strength = librosa.onset.onset_strength

    def recorded(**arguments: object) -> Y:
        seen.append(arguments["S"].shape[1])
        return onset_strength(**arguments)

    monkeypatch.setattr(librosa.onset, "onset_strength", recorded)
    spectrum = Spectrum([song_10s[: 5 * SR - 4000], song_10s[5 * SR + 3000 :]], SR)
    (tempo,) = METHODS["tempo"].compute(spectrum, None)[0]
    assert tempo == pytest.approx(120, abs=3)
    assert seen == list(spectrum.frame_counts)  # a join would be an onset


# --- edges -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [[], [N_FFT - 1], [5 * SR, 100]])
def test_excerpts_too_short_for_a_frame_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="samples"):
        Spectrum([synth.noise(10.0)[:n] for n in lengths], SR)


@pytest.mark.parametrize("shape", ["silence", "constant", "impulse", "one-sided"])
@pytest.mark.parametrize("name", [method.name for method in FMA_METHODS] + ["tempo"])
def test_odd_signals_give_finite_rows(shape: str, name: str) -> None:
    y = synth.silence(3.0)
    if shape == "constant":
        y[:] = 0.5
    elif shape == "impulse":
        y[30_000] = 1.0
    elif shape == "one-sided":
        y[SR:] = synth.song(2.0)
    rows = METHODS[name].compute(Spectrum([y], SR), None)
    assert np.isfinite(rows).all()
