"""An autoencoder of MFCC: a short code of how three seconds sound, and that sound back.

It learns without labels. Its code is a place in a space of timbres, for similarity; its
reconstruction can be heard, which says better than an error what the code keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import librosa
import numpy as np
import numpy.typing as npt
import soundfile
from keras import layers

from tagger.analysis.filters import TOP_DB
from tagger.analysis.picture import N_MELS
from tagger.analysis.spectrum import HOP_LENGTH, N_FFT
from tagger.audio.decode import SAMPLE_RATE
from tagger.errors import UsageError
from tagger.training.networks_front import dct_matrix, log_mel_input, mfcc, mfcc_centre_and_spread

__all__ = [
    "FittedAutoencoder",
    "autoencoder",
    "code_of",
    "fit_autoencoder",
    "mfcc_of",
    "patch_encoder",
    "reconstruct",
    "sequences_of",
    "sonify",
]

Array = npt.NDArray[np.float32]

_CODE: Final = "code"


@dataclass(frozen=True, slots=True)
class FittedAutoencoder:
    """An autoencoder, and how its training went.

    Attributes:
        history: one ``{"epoch", "loss"}`` an epoch, with ``"validation_loss"`` where some
            sequences were kept for it; mean squared errors of standardised MFCC, so that
            always answering the mean costs about 1.
    """

    model: Any
    history: tuple[dict[str, float], ...]


def autoencoder(
    columns: int = 130, n_mfcc: int = 13, code: int = 32, widths: tuple[int, ...] = ()
) -> Any:
    """Dense layers to a code and back.

    From and to standardised MFCC, shape (batch, columns, n_mfcc). Without hidden layers the
    code spans what principal components of the same number would. Fitted on 2,650
    sequences of 110 clips, that is what generalises: the squared error on 22 other clips was
    0.37, against 0.41 with a hidden layer of 256 and 0.51 with convolutions.

    Args:
        columns: frames of a sequence.
        n_mfcc: coefficients of a frame.
        code: numbers that a sequence is brought down to.
        widths: hidden ReLU layers on the way to the code, and back in reverse.
    """
    inputs = keras.Input((columns, n_mfcc), name="mfcc")
    x = layers.Flatten()(inputs)
    for width in widths:
        x = layers.Dense(width, activation="relu")(x)
    x = layers.Dense(code, name=_CODE)(x)
    for width in reversed(widths):
        x = layers.Dense(width, activation="relu")(x)
    x = layers.Reshape((columns, n_mfcc))(layers.Dense(columns * n_mfcc)(x))
    return keras.Model(inputs, x, name="autoencoder")


def mfcc_of(picture: npt.NDArray[np.uint8], n_mfcc: int) -> Array:
    """MFCC of a log-mel picture, in dB above its floor.

    Args:
        picture: shape (N_MELS, frames), 255 for 80 dB.

    Returns:
        shape (n_mfcc, frames).
    """
    return np.asarray(TOP_DB / 255 * dct_matrix(n_mfcc).T @ picture, dtype=np.float32)


def sequences_of(mfcc: Array, columns: int = 130) -> Array:
    """Cut MFCC into sequences, end to end; what does not fill the last one is left out.

    Args:
        mfcc: shape (n_mfcc, frames).
        columns: frames of a sequence.

    Returns:
        shape (n, n_mfcc, columns); n is 0 where there are fewer frames.
    """
    n_mfcc, frames = mfcc.shape
    n = frames // columns
    return np.asarray(mfcc[:, : n * columns].reshape(n_mfcc, n, columns).transpose(1, 0, 2))


def fit_autoencoder(
    mfccs: Array,
    *,
    code: int = 32,
    epochs: int = 40,
    batch: int = 64,
    rate: float = 2e-3,
    seed: int = 0,
    validation: Array | None = None,
) -> FittedAutoencoder:
    """Fit an autoencoder on sequences of MFCC.

    Args:
        mfccs: shape (n, n_mfcc, columns), in dB, from :func:`sequences_of`.
        code: numbers that a sequence is brought down to.
        epochs: passes over the sequences.
        batch: sequences a step.
        rate: the learning rate at the beginning; a cosine leads to zero.
        seed: of weights and order.
        validation: sequences that are looked at for the history alone, shaped like ``mfccs``.
    """
    keras.utils.set_random_seed(seed)
    _, n_mfcc, columns = mfccs.shape
    model = autoencoder(columns, n_mfcc, code)
    steps = epochs * -(-len(mfccs) // batch)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
        loss="mean_squared_error",
        jit_compile=False,
    )
    x = _standardised(mfccs)
    held = None if validation is None else (_standardised(validation),) * 2
    losses = model.fit(
        x, x, epochs=epochs, batch_size=batch, validation_data=held, verbose=0
    ).history
    named = {"loss": "loss", "val_loss": "validation_loss"}
    history = [
        {"epoch": float(epoch + 1)}
        | {named[name]: float(values[epoch]) for name, values in losses.items()}
        for epoch in range(epochs)
    ]
    return FittedAutoencoder(model, tuple(history))


def code_of(model: Any, mfccs: Array) -> Array:
    """Codes of sequences, shape (n, code), from MFCC of shape (n, n_mfcc, columns) in dB."""
    return np.asarray(_encoder(model)(_standardised(mfccs), training=False))


def reconstruct(model: Any, mfccs: Array) -> Array:
    """What the codes of sequences keep of them; both of shape (n, n_mfcc, columns), in dB."""
    answer = np.asarray(model(_standardised(mfccs), training=False))
    centre, spread = mfcc_centre_and_spread(mfccs.shape[1])
    return np.asarray((answer * spread + centre).transpose(0, 2, 1), dtype=np.float32)


def patch_encoder(model: Any) -> Any:
    """The encoder behind the input of all networks: normalised log-mel patches to codes.

    What a scan would need for similarity; LiteRT runs it like any other network.
    """
    columns, n_mfcc = model.input_shape[1:]
    inputs = log_mel_input(columns)
    return keras.Model(inputs, _encoder(model)(mfcc(inputs, n_mfcc)), name="encoder")


def sonify(model: Any, mfcc: Array, path: Path) -> float:
    """Write what the autoencoder keeps of a sequence as sound: mono, float32 WAV, peak 1.

    MFCC hold no pitch and no phase: what is heard is noise in the shape of the music. The
    phases are guessed by Griffin and Lim's method from a fixed seed.

    Args:
        model: the autoencoder.
        mfcc: every frame's MFCC in dB, shape (n_mfcc, frames); frames that do not fill the
            last sequence are left out.
        path: the file to write.

    Returns:
        its length in seconds.

    Raises:
        UsageError: there are too few frames for one sequence, or the file cannot be written.
    """
    columns = model.input_shape[1]
    sequences = sequences_of(mfcc, columns)
    if not len(sequences):
        raise UsageError(
            f"{path}: {mfcc.shape[1]} frames are too few to be heard, {columns} are needed"
        )
    kept = np.concatenate(list(reconstruct(model, sequences)), axis=1)
    kept[0] -= TOP_DB * np.sqrt(N_MELS)  # dB below the loudest: powers up to about 1
    mel = librosa.feature.inverse.mfcc_to_mel(kept, n_mels=N_MELS)
    magnitude = librosa.feature.inverse.mel_to_stft(mel, sr=SAMPLE_RATE, n_fft=N_FFT)
    y = librosa.griffinlim(magnitude, n_fft=N_FFT, hop_length=HOP_LENGTH, random_state=0)
    y = (y / max(float(np.abs(y).max()), 1e-9)).astype(np.float32)
    try:
        soundfile.write(path, y, SAMPLE_RATE, subtype="FLOAT", format="WAV")
    except (OSError, soundfile.SoundFileError) as error:
        raise UsageError(f"{path} cannot be written: {error}") from error
    return len(y) / SAMPLE_RATE


def _encoder(model: Any) -> Any:
    return keras.Model(model.input, model.get_layer(_CODE).output)


def _standardised(mfccs: Array) -> Array:
    """As the autoencoder takes them: shape (n, columns, n_mfcc)."""
    centre, spread = mfcc_centre_and_spread(mfccs.shape[1])
    return np.asarray((mfccs.transpose(0, 2, 1) - centre) / spread, dtype=np.float32)
