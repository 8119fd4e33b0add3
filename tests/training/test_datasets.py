from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import synth

from tagger.analysis.analyse import analyse
from tagger.analysis.features import PICTURE_FEATURES, compute_picture_features
from tagger.analysis.picture import N_MELS, Picture
from tagger.audio.decode import Excerpt, Signal, read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import UsageError
from tagger.training.datasets import (
    CLIP_COLUMNS,
    ENSEMBLE_FEATURES,
    TrackSet,
    load_archive,
    load_emotify,
    load_gtzan,
)

# --- the features asked for -------------------------------------------------------------


def test_ensemble_features_are_unique_and_free_of_level_and_tempo() -> None:
    assert len(set(ENSEMBLE_FEATURES)) == len(ENSEMBLE_FEATURES)
    assert not [n for n in ENSEMBLE_FEATURES if n.startswith(("rms", "tempo"))]
    assert "mfcc.mean.01" not in ENSEMBLE_FEATURES
    assert not [n for n in ENSEMBLE_FEATURES if ".var." in n]
    assert ENSEMBLE_FEATURES[-len(PICTURE_FEATURES) :] == PICTURE_FEATURES
    assert "mfcc.mean.20" in ENSEMBLE_FEATURES
    assert "chroma_stft.std.all" in ENSEMBLE_FEATURES


def test_ensemble_features_do_not_hear_the_level() -> None:
    names = (*ENSEMBLE_FEATURES, "rms.mean.01", "mfcc.mean.01")
    y = synth.song(6.0)
    loud, quiet = (
        analyse(Signal((Excerpt(0.0, gain * y),), 6.0), names).features
        for gain in (np.float32(1.0), np.float32(0.25))
    )
    *same, rms, energy = np.isclose(loud, quiet, rtol=1e-3, atol=1e-3)
    assert np.array(ENSEMBLE_FEATURES)[~np.array(same)].tolist() == []
    assert not rms
    assert not energy


# --- GTZAN ------------------------------------------------------------------------------

TABLE = (
    *("chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff"),
    *("zero_crossing_rate", "harmony"),
    *(f"mfcc{i}" for i in range(1, 21)),
)
COLUMNS = [f"{name}_{statistic}" for name in TABLE for statistic in ("mean", "var")]

TRACKS = ("blues.00000", "blues.00007", "jazz.00001", "jazz.00002", "rock.00009")
ARTISTS = (3, -1, -1, 3, 4)
SPLIT = ("train", "valid", "valid", "train", "train")


def cell(track: int, column: str) -> float:
    """A value of the table that says where it stood."""
    value = 1000.0 * track + COLUMNS.index(column) + 0.5
    return value**2 if column.endswith("_var") else -value


def our_name(column: str) -> str:
    """A column's feature, said independently of the table in ``tagger.analysis``."""
    name, statistic = column.rsplit("_", 1)
    statistic = {"mean": "mean", "var": "std"}[statistic]
    if name.startswith("mfcc"):
        return f"mfcc.{statistic}.{int(name[4:]):02d}"
    if name == "chroma_stft":
        return f"chroma_stft.{statistic}.all"
    return f"{name.replace('rolloff', 'spectral_rolloff')}.{statistic}.01"


def write_gtzan(folder: Path, columns: int = CLIP_COLUMNS) -> np.ndarray:
    """A miniature of the archive and its table, the table in another order."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (len(TRACKS), N_MELS, columns), dtype=np.uint8)
    np.savez(
        folder / "spectrograms.npz",
        spectrogram=pictures,
        track=np.array(TRACKS),
        genre=np.array([track.split(".")[0] for track in TRACKS]),
        split=np.array(SPLIT),
        artist=np.array(ARTISTS),
    )
    with (folder / "features_30s.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["filename", "length", "tempo", *reversed(COLUMNS), "label"])
        for i, track in reversed(list(enumerate(TRACKS))):
            cells = [cell(i, column) for column in reversed(COLUMNS)]
            writer.writerow([f"{track}.wav", 30, 120, *cells, track.split(".")[0]])
    return pictures


def test_gtzan_features_stand_under_their_names(tmp_path: Path) -> None:
    pictures = write_gtzan(tmp_path)
    tracks = load_gtzan(tmp_path)
    assert np.array_equal(tracks.pictures, pictures)
    assert tracks.features.shape == (5, len(ENSEMBLE_FEATURES))
    assert tracks.features.dtype == np.float32
    from_table = {our_name(c): c for c in COLUMNS}
    checked = 0
    for k, name in enumerate(ENSEMBLE_FEATURES[: -len(PICTURE_FEATURES)]):
        for i in range(5):
            value = cell(i, from_table[name])
            expected = value**0.5 if ".std." in name else value
            assert tracks.features[i, k] == pytest.approx(expected, rel=1e-6), name
            checked += 1
    # all columns but rms, harmony and the mean of mfcc1
    assert checked == 5 * (len(COLUMNS) - 5)
    for i, picture in enumerate(pictures):
        expected = compute_picture_features(PICTURE_FEATURES, Picture((picture,)))
        assert np.array_equal(tracks.features[i, -len(PICTURE_FEATURES) :], expected)


def test_gtzan_labels_artists_and_partition(tmp_path: Path) -> None:
    write_gtzan(tmp_path)
    tracks = load_gtzan(tmp_path)
    assert len(tracks) == 5
    assert tracks.genres.tolist() == ["blues", "blues", "jazz", "jazz", "rock"]
    assert tracks.held_out.tolist() == [s == "valid" for s in SPLIT]
    assert set(tracks.source) == {"gtzan"}
    known, unknown, other, known_again, another = tracks.groups
    assert known == known_again
    # Two tracks by nobody known are not by one artist.
    assert len({known, unknown, other, another}) == 4
    assert all(group.startswith("gtzan/") for group in tracks.groups)


def test_gtzan_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    write_gtzan(tmp_path, columns=386)
    with pytest.raises(UsageError, match="386"):
        load_gtzan(tmp_path)


# --- any archive ------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path: Path) -> tuple[Path, Path]:
    write_gtzan(tmp_path)
    return tmp_path / "spectrograms.npz", tmp_path / "features_30s.csv"


def change(npz: Path, **arrays: object) -> None:
    """Replace arrays of an archive; None takes one away."""
    with np.load(npz) as archive:
        kept = dict(archive) | arrays
    np.savez(npz, **{name: array for name, array in kept.items() if array is not None})


def test_an_archive_may_say_less_than_gtzan(archive: tuple[Path, Path]) -> None:
    whole = load_archive(*archive)
    assert set(whole.source) == {"spectrograms"}
    change(archive[0], artist=None, split=None)
    tracks = load_archive(*archive, source="mine")
    assert not tracks.held_out.any()
    assert tracks.groups.tolist() == [f"mine/{track}" for track in TRACKS]
    assert np.array_equal(tracks.features, whole.features)
    assert tracks.genres.tolist() == whole.genres.tolist()


def test_artists_of_an_archive_may_have_names(archive: tuple[Path, Path]) -> None:
    change(archive[0], artist=np.array(["-M-", "", "Various Artists", "bob", "Bob feat. Eve"]))
    one, unknown, various, bob, bob_again = load_archive(*archive).groups
    assert bob == bob_again
    assert len({one, unknown, various, bob}) == 4


def test_archives_of_bytes_are_text(archive: tuple[Path, Path]) -> None:
    expected = load_archive(*archive)
    change(archive[0], track=np.array(TRACKS).astype("S"), split=np.array(SPLIT).astype("S"))
    tracks = load_archive(*archive)
    assert tracks.groups.tolist() == expected.groups.tolist()
    assert np.array_equal(tracks.held_out, expected.held_out)


SHAPE = (5, N_MELS, CLIP_COLUMNS)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"genre": None, "track": None}, "there is no array track and no array genre"),
        ({"spectrogram": np.zeros(SHAPE, np.float32)}, "array spectrogram must be uint8, shape"),
        ({"spectrogram": np.zeros(SHAPE[1:], np.uint8)}, f"(n, {N_MELS}, {CLIP_COLUMNS}); it is"),
        ({"spectrogram": np.zeros((0, *SHAPE[1:]), np.uint8)}, "it is uint8, shape (0, 128, 387)"),
        ({"spectrogram": np.uint8(3)}, "it is uint8, shape ()"),
        ({"genre": np.array(["a"] * 4)}, "array genre must be text, shape (5,); it is"),
        ({"genre": np.arange(5)}, "array genre must be text, shape (5,); it is int64"),
        ({"genre": np.array(["a", "", "b", "b", "a"])}, "genre is empty for track blues.00007"),
        ({"artist": np.ones(5)}, "array artist must be text or whole numbers, shape (5,)"),
        ({"split": np.array(["train"] * 4 + ["test"])}, "split holds 'test'; it must be train"),
        ({"track": np.array([{}] * 5, dtype=object)}, "not an archive of plain arrays"),
        ({"track": np.array(["none.1", *TRACKS[1:]])}, "there is no row for track none.1"),
    ],
)
def test_archives_that_are_refused(
    archive: tuple[Path, Path], arrays: dict[str, object], said: str
) -> None:
    change(archive[0], **arrays)
    with pytest.raises(UsageError) as caught:
        load_archive(*archive)
    assert said in str(caught.value)
    assert str(archive[0].parent) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_archive(archive: tuple[Path, Path]) -> None:
    npz, table = archive
    whole = npz.read_bytes()
    damaged = bytearray(whole)
    damaged[500] ^= 0xFF
    for content in (b"", b"PK\3\4", b"text", whole[: len(whole) // 2], bytes(damaged)):
        npz.write_bytes(content)
        with pytest.raises(UsageError, match="not an archive of plain arrays") as caught:
            load_archive(npz, table)
        assert "pickle" not in str(caught.value)  # NumPy's advice would run a stranger's code
    with npz.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(UsageError, match="not an archive of plain arrays"):
        load_archive(npz, table)
    npz.unlink()
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_archive(npz, table)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mfcc2_mean", "mfcc2", "the header has no column mfcc2_mean; it has filename"),
        ("filename", "song", "the header has no column path or file or filename"),
        (f",{cell(0, 'mfcc2_mean')}", ",loud", "column mfcc2_mean: 'loud' is not a number"),
        (f",{cell(0, 'mfcc2_mean')}", ",nan", "column mfcc2_mean: 'nan' is no finite number"),
        (f",{cell(0, 'mfcc2_var')}", ",-1", "column mfcc2_var is a negative variance"),
    ],
)
def test_tables_that_are_refused(archive: tuple[Path, Path], old: str, new: str, said: str) -> None:
    npz, table = archive
    text = table.read_text(encoding="utf-8")
    assert old in text
    table.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_archive(npz, table)
    assert said in str(caught.value)
    assert str(table) in str(caught.value)


def test_real_gtzan_keeps_artists_apart(data: Path) -> None:
    tracks = load_gtzan(data / "gtzan")
    assert len(tracks) == 639
    assert tracks.held_out.sum() == 197
    assert not set(tracks.groups[tracks.held_out]) & set(tracks.groups[~tracks.held_out])
    assert np.isfinite(tracks.features).all()
    assert len(set(tracks.genres)) == 10


# --- Emotify ----------------------------------------------------------------------------

CLIPS = (
    ("classical/1.mp3", "classical", "Ensemble Café", 30.3),
    ("electronic/2.mp3", "electronic", "Bob", 12.0),
    ("pop/3.mp3", "pop", "Bob", 4.0),
    ("rock/4.mp3", "rock", "Eve", 4.0),
)


@pytest.fixture(scope="module")
def emotify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emotify")
    with (folder / "tracks.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "genre", "artist", "title"])
        for seed, (file, genre, artist, seconds) in enumerate(CLIPS):
            (folder / file).parent.mkdir()
            y = synth.song(seconds, 44_100, seed=seed)
            synth.write(folder / file, y, 44_100, quality=0.3)
            writer.writerow([file, genre, artist, "untitled"])
    return folder


@pytest.fixture(scope="module")
def clips(emotify: Path) -> TrackSet:
    return load_emotify(emotify)


def test_emotify_labels_and_artists(clips: TrackSet) -> None:
    assert clips.genres.tolist() == ["classical", "electronic", "pop", "rock"]
    assert clips.groups.tolist() == [f"emotify/{artist}" for _, _, artist, _ in CLIPS]
    assert not clips.held_out.any()
    assert set(clips.source) == {"emotify"}


def test_emotify_features_are_those_of_a_scan(emotify: Path, clips: TrackSet) -> None:
    assert clips.features.shape == (4, len(ENSEMBLE_FEATURES))
    assert clips.features.dtype == np.float32
    for row, (file, *_) in zip(clips.features, CLIPS, strict=True):
        signal = read_signal(emotify / file, ExcerptPlan(count=1, seconds=30.0))
        assert np.array_equal(row, analyse(signal, ENSEMBLE_FEATURES).features)


def test_emotify_pictures_are_of_one_width(clips: TrackSet) -> None:
    assert clips.pictures.shape == (4, N_MELS, CLIP_COLUMNS)
    assert clips.pictures.dtype == np.uint8
    # 30.3 s are heard whole, and what is more than 387 columns is cut off: nothing repeats.
    assert not any(np.array_equal(clips.pictures[0, :, 0], c) for c in clips.pictures[0].T[1:])


@pytest.mark.parametrize(("clip", "seconds"), [(1, 12.0), (2, 4.0)])
def test_a_short_clip_is_repeated_to_full_width(clips: TrackSet, clip: int, seconds: float) -> None:
    picture = clips.pictures[clip]
    periods = [
        w for w in range(10, 200) if np.array_equal(picture[:, w:], picture[:, : CLIP_COLUMNS - w])
    ]
    assert periods[0] == pytest.approx(seconds / 0.0775, abs=2)
    assert all(w % periods[0] == 0 for w in periods)


# --- sets as values ---------------------------------------------------------------------


def test_take_and_joined(tmp_path: Path, clips: TrackSet) -> None:
    write_gtzan(tmp_path)
    tracks = load_gtzan(tmp_path)
    both = TrackSet.joined([tracks, clips])
    assert len(both) == 9
    assert not set(both.groups[:5]) & set(both.groups[5:])
    for again in (both.take(np.arange(5)), both.take(both.source == "gtzan")):
        for name in ("pictures", "features", "genres", "groups", "held_out", "source"):
            assert np.array_equal(getattr(again, name), getattr(tracks, name)), name
