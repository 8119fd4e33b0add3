from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow")

import soundfile
import synth
from ai_edge_litert.interpreter import Interpreter

from tagger.analysis.logmel import log_mel_picture
from tagger.analysis.picture import N_MELS
from tagger.analysis.spectrum import Spectrum
from tagger.errors import UsageError
from tagger.training.autoencoder import (
    FittedAutoencoder,
    autoencoder,
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
from tagger.training.networks_registry import OFFSET, SCALE

SR = 22_050
COLUMNS, N_MFCC, CODE = 10, 13, 3
CENTRE, SPREAD = mfcc_centre_and_spread(N_MFCC)
Array = npt.NDArray[np.float32]


def simple_sequences(n: int, seed: int) -> Array:
    """Sequences that three numbers say nearly all of."""
    basis = np.random.default_rng(0).normal(0, 0.6, (CODE, COLUMNS * N_MFCC))
    rng = np.random.default_rng(seed)
    standardised = rng.normal(0, 1, (n, CODE)) @ basis
    standardised += rng.normal(0, 0.05, standardised.shape)
    mfccs = standardised.reshape(n, COLUMNS, N_MFCC) * SPREAD + CENTRE
    return mfccs.transpose(0, 2, 1).astype(np.float32)


def error(mfccs: Array, kept: Array) -> float:
    return float(np.square((mfccs - kept) / SPREAD[:, None]).mean())


@pytest.fixture(scope="module")
def fitted() -> FittedAutoencoder:
    return fit_autoencoder(
        simple_sequences(256, 1),
        code=CODE,
        epochs=30,
        batch=16,
        rate=1e-2,
        validation=simple_sequences(20, 2),
    )


def test_sizes() -> None:
    values = 130 * 13
    assert autoencoder().count_params() == values * 32 + 32 + 32 * values + values
    deep = autoencoder(COLUMNS, N_MFCC, CODE, (20,))
    n = COLUMNS * N_MFCC
    assert deep.count_params() == n * 20 + 20 + 20 * 3 + 3 + 3 * 20 + 20 + 20 * n + n


def test_what_three_numbers_say_is_learned(fitted: FittedAutoencoder) -> None:
    unseen = simple_sequences(50, 3)
    kept = reconstruct(fitted.model, unseen)
    assert kept.shape == unseen.shape
    mean = np.broadcast_to(CENTRE[:, None], unseen.shape)
    assert error(unseen, kept) < 0.05 * error(unseen, mean)
    assert [look["epoch"] for look in fitted.history] == list(range(1, 31))
    assert fitted.history[-1]["validation_loss"] < 0.1 * fitted.history[0]["validation_loss"]


def test_the_seed_decides_the_autoencoder() -> None:
    mfccs = simple_sequences(32, 1)
    one, same, other = (
        fit_autoencoder(mfccs, code=2, epochs=1, seed=seed).model.get_weights()
        for seed in (4, 4, 5)
    )
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(one, same, strict=True))
    assert not np.allclose(one[0], other[0])


def test_codes_of_like_sounds_are_near(fitted: FittedAutoencoder) -> None:
    mfccs = simple_sequences(20, 6)
    codes = code_of(fitted.model, mfccs)
    assert codes.shape == (20, CODE)
    noise = np.random.default_rng(0).normal(0, 0.5, mfccs.shape).astype(np.float32)
    again = code_of(fitted.model, mfccs + noise)
    distances = np.linalg.norm(codes[:, None] - again[None], axis=-1)
    assert distances.argmin(axis=1).tolist() == list(range(20))


def test_mfcc_of_a_picture_are_those_of_its_sound() -> None:
    # A noise floor keeps all of it inside 80 dB.
    y = synth.song(4.0) + synth.noise(4.0, amplitude=0.01)
    (picture,) = log_mel_picture(Spectrum([y], SR), every_frame=True).parts
    db = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=SR), ref=np.max)
    # The picture is stretched over all its levels, whatever its range in dB.
    expected = librosa.feature.mfcc(S=80 * (db - db.min()) / -db.min(), n_mfcc=N_MFCC)
    assert np.abs(mfcc_of(picture, N_MFCC) - expected).max() < 1.0  # a level is 0.3 dB


def test_sequences_lie_end_to_end() -> None:
    mfcc = np.arange(2 * 11, dtype=np.float32).reshape(2, 11)
    assert sequences_of(mfcc, 4).tolist() == [
        [[0, 1, 2, 3], [11, 12, 13, 14]],
        [[4, 5, 6, 7], [15, 16, 17, 18]],
    ]
    assert sequences_of(mfcc, 12).shape == (0, 2, 12)


def test_the_encoder_answers_alike_in_litert(fitted: FittedAutoencoder) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, N_MELS, COLUMNS)).astype(np.uint8)
    patches = ((pictures / np.float32(255) - OFFSET) * SCALE).astype(np.float32)[..., None]
    expected = code_of(fitted.model, np.stack([mfcc_of(p, N_MFCC) for p in pictures]))
    interpreter = Interpreter(model_content=to_tflite(patch_encoder(fitted.model)), num_threads=1)
    (put,), (got,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(put["index"], patches.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(put["index"], patches)
    interpreter.invoke()
    answer = interpreter.get_tensor(got["index"])
    np.testing.assert_allclose(answer, expected, rtol=1e-3, atol=1e-3)


def test_what_is_kept_can_be_heard(tmp_path: Path) -> None:
    model = autoencoder(COLUMNS, N_MFCC, 2)
    # By hand: the code's first number is the mean tilt of the spectrum, all that comes back.
    take, give = np.zeros((COLUMNS, N_MFCC, 2)), np.zeros((2, COLUMNS, N_MFCC))
    take[:, 1, 0], give[0, :, 1] = 1 / COLUMNS, 1
    size = COLUMNS * N_MFCC
    model.set_weights([take.reshape(size, 2), np.zeros(2), give.reshape(2, size), np.zeros(size)])
    bright, dull = (np.tile(CENTRE[:, None], (1, COLUMNS)) for _ in range(2))
    bright[1] -= 150
    dull[1] += 150
    mfcc = np.concatenate([bright, dull, dull[:, :3]], axis=1)
    paths = [tmp_path / "one.wav", tmp_path / "two.wav"]
    seconds = [sonify(model, mfcc, path) for path in paths]
    (y, sr), (again, _) = (soundfile.read(path, dtype="float32") for path in paths)
    assert np.array_equal(y, again)
    assert sr == SR
    assert soundfile.info(paths[0]).subtype == "FLOAT"
    assert np.abs(y).max() == pytest.approx(1.0)
    assert seconds[0] == len(y) / SR == pytest.approx(2 * COLUMNS * 512 / SR, abs=0.03)
    half = len(y) // 2
    first, second = (
        librosa.feature.spectral_centroid(y=part, sr=SR).mean() for part in (y[:half], y[half:])
    )
    assert first > 2 * second


def test_too_little_to_be_heard_or_nowhere_to_write(
    fitted: FittedAutoencoder, tmp_path: Path
) -> None:
    mfcc = np.tile(CENTRE[:, None], (1, COLUMNS))
    with pytest.raises(UsageError, match="9 frames are too few to be heard, 10 are needed"):
        sonify(fitted.model, mfcc[:, 1:], tmp_path / "short.wav")
    with pytest.raises(UsageError, match=r"nowhere/a\.wav cannot be written"):
        sonify(fitted.model, mfcc, tmp_path / "nowhere" / "a.wav")
