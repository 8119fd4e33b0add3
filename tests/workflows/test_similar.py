"""Neighbours in a library of which everything was heard before: no audio is read here."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synth
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.domain import Hearing
from tagger.errors import ModelError, UsageError
from tagger.library.cache import Cache
from tagger.library.cache_file import CACHE
from tagger.library.cache_schema import APPLICATION
from tagger.library.folders import cache_folder
from tagger.library.vector_store import VectorStore
from tagger.models.bundle import Bundle, find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.fusion import log_softmax
from tagger.models.similarity import FILE, fit_space
from tagger.training.export import write_bundle
from tagger.workflows import similar as module
from tagger.workflows.described import Described
from tagger.workflows.fingerprints import decision_fingerprint, listening_fingerprint
from tagger.workflows.playlists import seed_playlist
from tagger.workflows.similar import Similar, SimilarOptions, similar

MODEL: dict[str, str] = {}
"""Where the module's model is; without a space of its own."""

ARTISTS = 8
EACH = 5
TWIN = 3  # a copy of the first track of this artist lies beside it


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The default model without embedding and space, as models were made once."""
    default = load_bundle(find_bundle("default"))
    weights = {n: w for n, w in default.weights.items() if n != FILE}
    cnn = replace(default.cnn, embedding=0)
    plain = replace(default, cnn=cnn, similarity=None, weights=weights)
    return write_bundle(plain, tmp_path_factory.mktemp("plain"))


def asked(file: Path, **options: Any) -> SimilarOptions:
    return SimilarOptions(file, **{**MODEL, **options})


def hearing(bundle: Bundle, artist: int, track: int) -> Hearing:
    """Tracks of one artist lie close together; no two are equal."""
    rng = np.random.default_rng([artist, track])
    taste = np.random.default_rng(artist)
    centre = taste.standard_normal(len(bundle.features))
    assert bundle.music is not None
    middle = np.zeros(len(bundle.features))
    middle[list(bundle.music.features)] = bundle.music.mean
    scale = np.ones(len(bundle.features))
    scale[list(bundle.music.features)] = bundle.music.scale
    z = 0.3 * centre + 0.1 * rng.standard_normal(len(centre))
    logits = taste.standard_normal(len(bundle.labels))
    logits = logits + 0.3 * rng.standard_normal((3, len(bundle.labels)))
    return Hearing(
        200.0,
        30.0,
        (middle + scale * z).astype(np.float32),
        log_softmax(logits).astype(np.float32),
        (0.0, 7.5, 15.0),
    )


def keep(cache: Cache, bundle: Bundle, path: Path, key: int, heard: Hearing) -> None:
    status = path.stat()
    listening = listening_fingerprint(bundle)
    size, mtime_ns = status.st_size, status.st_mtime_ns
    cache.keep(path, size, mtime_ns, key.to_bytes(16, "big"), listening, heard)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Path:
    """A folder an artist, and a cache that knows what is in them."""
    root = tmp_path_factory.mktemp("similar")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GENRETAG_CACHE_DIR", str(root / "cache"))
        with Cache.open(cache_folder()) as cache:
            for artist in range(ARTISTS):
                folder = root / "m" / f"artist {artist}"
                folder.mkdir(parents=True)
                for track in range(EACH):
                    path = folder / f"{track}.mp3"
                    path.touch()
                    keep(cache, bundle, path, 100 * artist + track, hearing(bundle, artist, track))
            twin = root / "m" / "copy.mp3"
            twin.touch()
            keep(cache, bundle, twin, 100 * TWIN, hearing(bundle, TWIN, 0))
    return root


@pytest.fixture(autouse=True)
def _the_cache(places: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODEL, "model", str(bundle.folder))
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(places / "cache"))


def find(places: Path, name: str, **options: object) -> Similar:
    file = places / "m" / name
    return similar(asked(file, **options))


@settings(derandomize=True, max_examples=12, deadline=None)
@given(st.integers(0, ARTISTS - 1), st.integers(0, EACH - 1), st.integers(1, 40), st.integers(0, 3))
def test_neighbours_are_sorted_others_and_few_of_an_artist(places, artist, track, n, per_artist):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GENRETAG_CACHE_DIR", str(places / "cache"))
        name = f"artist {artist}/{track}.mp3"
        found = find(places, name, n=n, per_artist=per_artist)
    paths = [neighbour.path for neighbour in found.neighbours]
    near = [neighbour.similarity for neighbour in found.neighbours]
    assert places / "m" / name not in paths
    assert len(set(paths)) == len(paths) <= n
    assert near == sorted(near, reverse=True)
    if per_artist:
        assert max(Counter(path.parent for path in paths).values()) <= per_artist
        # all artists have that many, and the copy has a folder of its own
        assert len(paths) >= min(n, (ARTISTS - 1) * per_artist)
    else:
        assert len(paths) == min(n, ARTISTS * EACH - 1)
    assert all(neighbour.why for neighbour in found.neighbours)
    assert found.compared == ARTISTS * EACH


def test_the_nearest_are_of_the_same_artist(places):
    for artist in range(ARTISTS):
        found = find(places, f"artist {artist}/2.mp3", n=3, per_artist=0)
        assert {neighbour.path.parent.name for neighbour in found.neighbours} <= {
            f"artist {artist}",
            "m",
        }


@pytest.mark.parametrize("name", ["copy.mp3", f"artist {TWIN}/0.mp3"])
def test_a_copy_of_the_same_audio_is_no_neighbour(places, name, monkeypatch):
    monkeypatch.setattr(module, "audio_key_of", lambda _: (100 * TWIN).to_bytes(16, "big"))
    found = find(places, name, n=100, per_artist=0)
    assert not {"copy.mp3", "0.mp3"} & {
        n.path.name for n in found.neighbours if n.path.parent.name in ("m", f"artist {TWIN}")
    }
    assert len(found.neighbours) == ARTISTS * EACH - 1


def test_of_two_copies_one_is_a_neighbour(places):
    found = find(places, f"artist {TWIN}/1.mp3", n=100, per_artist=0)
    twins = [n.path for n in found.neighbours if n.path.name in ("copy.mp3", "0.mp3")]
    of_the_artist = [path for path in twins if path.parent.name in ("m", f"artist {TWIN}")]
    assert len(of_the_artist) == 1


def test_files_that_are_gone_or_changed_are_passed_over(places, bundle):
    folder = places / "m" / "artist 0"
    gone, changed = folder / "3.mp3", folder / "4.mp3"
    gone.unlink()
    changed.write_bytes(b"other audio")
    try:
        found = find(places, "artist 0/0.mp3", n=100, per_artist=0)
        assert not {gone, changed} & {neighbour.path for neighbour in found.neighbours}
        assert len(found.neighbours) == ARTISTS * EACH - 3
    finally:
        with Cache.open(cache_folder()) as cache:
            for track, path in ((3, gone), (4, changed)):
                path.write_bytes(b"")
                keep(cache, bundle, path, track, hearing(bundle, 0, track))


def test_within_some_paths(places):
    m = places / "m"
    within = (m / "artist 1", m / "artist 2" / "4.mp3")
    found = find(places, "artist 0/0.mp3", within=within, per_artist=0)
    assert {n.path for n in found.neighbours} == {
        m / "artist 2" / "4.mp3",
        *(m / "artist 1" / f"{track}.mp3" for track in range(EACH)),
    }
    relative = (Path(os.path.relpath(within[1])),)
    found = find(places, "artist 0/0.mp3", within=relative)
    assert [n.path for n in found.neighbours] == [within[1]]
    with pytest.raises(UsageError, match="no such file or folder"):
        find(places, "artist 0/0.mp3", within=(m / "nowhere",))


@pytest.mark.parametrize(
    ("artist", "title", "name"),
    [
        ("Ann", "One", "Like Ann – One.m3u8"),
        ("Ann", "", "Like Ann – 2.m3u8"),  # or all of Ann's would be one
        ("", "One", "Like One.m3u8"),
        ("", "", "Like 2.m3u8"),
    ],
)
def test_a_playlist_is_called_after_its_seed(places, tmp_path, artist, title, name):
    found = find(places, "artist 0/2.mp3", n=1)
    named = replace(found, tags=Described(artist=artist, title=title))
    assert seed_playlist(tmp_path / "lists", named) == tmp_path / "lists" / name


def test_the_search_for_artists_has_an_end(places, monkeypatch):
    monkeypatch.setattr(module, "MOST_LOOKED_AT", 6)
    found = find(places, "artist 0/0.mp3", n=100, per_artist=1)
    assert len(found.neighbours) < 6


def test_what_is_no_file_is_refused(places):
    with pytest.raises(UsageError, match="no such file"):
        find(places, "nothing.mp3")
    with pytest.raises(UsageError, match="is a folder"):
        find(places, "artist 1")


def test_a_space_is_fitted_anew_when_twice_as_much_is_known(tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    digest = decision_fingerprint(bundle)
    spaces = []

    def known(count: int) -> bytes | None:
        with Cache.open(cache_folder()) as cache:
            for number in range(count):
                path = tmp_path / "m" / f"{number}.mp3"
                if not path.exists():
                    path.parent.mkdir(exist_ok=True)
                    path.touch()
                    keep(cache, bundle, path, number, hearing(bundle, number, 0))
        found = similar(asked(tmp_path / "m" / "0.mp3", per_artist=0))
        assert len(found.neighbours) == count - 1
        with Cache.open(cache_folder()) as cache:
            spaces.append(VectorStore(cache, b"").space(digest))
        return spaces[-1]

    assert known(1) is None  # nothing to tell it from
    assert known(4) is not None
    assert known(7) == spaces[1]
    assert known(8) == spaces[1]
    assert known(9) != spaces[1]


def test_a_space_that_makes_no_sense_is_fitted_anew(tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "m").mkdir()
    with Cache.open(cache_folder()) as cache:
        for number in range(4):
            path = tmp_path / "m" / f"{number}.mp3"
            path.touch()
            keep(cache, bundle, path, number, hearing(bundle, number, 0))
    for body in (b"", b"{}\n", b'{"fitted_on": 4}\nxx', b"\xff\n\xff"):
        with Cache.open(cache_folder()) as cache:
            VectorStore(cache, b"").keep_space(decision_fingerprint(bundle), body)
        found = similar(asked(tmp_path / "m" / "0.mp3", per_artist=0))
        assert len(found.neighbours) == 3


def test_what_sounds_like_no_music_is_no_neighbour(tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    assert bundle.music is not None
    columns = list(bundle.music.features)
    noise = hearing(bundle, 9, 0)
    features = noise.features.copy()
    loudest = np.asarray(bundle.music.coefficients).sum(axis=0)
    features[columns] = np.asarray(bundle.music.mean) + 3 * np.sign(loudest) * bundle.music.scale
    (tmp_path / "m").mkdir()
    with Cache.open(cache_folder()) as cache:
        for number in range(5):
            path = tmp_path / "m" / f"{number}.mp3"
            path.touch()
            heard = replace(noise, features=features) if number == 4 else None
            keep(cache, bundle, path, number, heard or hearing(bundle, number, 0))
    found = similar(asked(tmp_path / "m" / "0.mp3", per_artist=0))
    assert {n.path.name for n in found.neighbours} == {"1.mp3", "2.mp3", "3.mp3"}


def known_tracks(folder: Path, bundle: Bundle, count: int) -> Path:
    """Tracks that the cache knows; gives the first."""
    folder.mkdir()
    with Cache.open(cache_folder()) as cache:
        for number in range(count):
            path = folder / f"{number}.mp3"
            path.touch()
            keep(cache, bundle, path, number, hearing(bundle, number, 0))
    return folder / "0.mp3"


def test_a_damaged_vector_is_made_again(tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    seed = known_tracks(tmp_path / "m", bundle, 5)
    before = similar(asked(seed, per_artist=0))
    digest = decision_fingerprint(bundle)
    with Cache.open(cache_folder()) as cache:
        store = VectorStore(cache, b"")
        space = store.space(digest)
        assert space
        width = json.loads(space.partition(b"\n")[0])["similarity"]["parts"]
        n_dims = sum(part["dims"] for part in width)
        body = n_dims + 4 * len(bundle.labels)  # with each vector, the genres' probabilities
        sound = store.vectors(digest, body, None)
        assert len(sound.files) == 5
        store.keep_vectors(digest, dict.fromkeys(store.audios(digest)[1:], b"xy"))
        assert len(store.vectors(digest, body, None).files) == 1
    assert similar(asked(seed, per_artist=0)) == before
    with Cache.open(cache_folder()) as cache:
        assert VectorStore(cache, b"").vectors(digest, body, None) == sound


def test_what_is_kept_of_a_track_is_what_the_model_says(tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    seed = known_tracks(tmp_path / "m", bundle, 6)
    first = similar(asked(seed, per_artist=0))
    monkeypatch.setattr(module, "Classifier", None)  # it would have to be asked
    assert similar(asked(seed, per_artist=0)) == first
    heard = {n: hearing(bundle, n, 0) for n in range(6)}
    said = dict(zip(heard, Classifier(bundle).predict(list(heard.values())), strict=True))
    for track in (first, *first.neighbours):
        genres = said[int(track.path.stem)].genres
        assert [label for label, _ in track.genres] == [label for label, _ in genres]
        assert dict(track.genres) == pytest.approx(dict(genres), abs=1e-6)


def test_vectors_kept_without_genres_are_made_again(tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    seed = known_tracks(tmp_path / "m", bundle, 5)
    before = similar(asked(seed, per_artist=0))
    digest = decision_fingerprint(bundle)
    with Cache.open(cache_folder()) as cache:
        store = VectorStore(cache, b"")
        alone = {
            audio: store.vector(digest, tmp_path / "m" / f"{i}.mp3")[: -4 * len(bundle.labels)]
            for i, audio in enumerate(store.audios(digest))
        }
        store.keep_vectors(digest, alone)
    assert similar(asked(seed, per_artist=0)) == before


def test_what_another_model_heard_is_not_made_ready(tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("tagger.workflows.vectors._SLOW", 3)
    with Cache.open(cache_folder()) as cache:
        for number in range(9):
            path = tmp_path / f"other {number}.mp3"
            cache.keep(path, 0, 0, bytes([number]) * 16, b"other", hearing(bundle, number, 1))
    seed = known_tracks(tmp_path / "m", bundle, 5)
    said: list[str] = []
    made: list[tuple[int, int]] = []
    find_all = asked(seed, per_artist=0)
    for _ in range(2):
        found = similar(find_all, lambda done, total: made.append((done, total)), said.append)
        assert len(found.neighbours) == 4
    assert said == ["Preparing 5 tracks for comparison; this is done once"]
    assert made == [(5, 5)]


def test_the_space_of_a_model_is_used_and_never_fitted(tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    seed = known_tracks(tmp_path / "m", bundle, 6)
    heard = [hearing(bundle, number, 1) for number in range(9)]
    chances = np.random.default_rng(0).dirichlet(np.ones(len(bundle.labels)), 9)
    space = fit_space(np.stack([h.features for h in heard]), np.zeros((9, 0)), chances)
    weights = {**bundle.weights, FILE: space.weights()}
    own = write_bundle(
        replace(bundle, similarity=space.spec, weights=weights, folder=tmp_path / "own"),
        tmp_path / "own",
    )
    assert own.similarity == space.spec
    monkeypatch.setattr("tagger.workflows.vectors.fit_space", None)
    found = similar(asked(seed, per_artist=0, model=str(tmp_path / "own")))
    assert len(found.neighbours) == 5
    with Cache.open(cache_folder()) as cache:
        kept = VectorStore(cache, b"").space(decision_fingerprint(own))
    assert kept is not None
    assert kept.endswith(b"\n" + space.weights())
    # Fewer numbers than it says, with a digest that is right: one line.
    short = {**weights, FILE: space.weights()[:-4]}
    write_bundle(replace(own, weights=short), tmp_path / "own")
    with pytest.raises(ModelError, match="as many numbers"):
        similar(asked(seed, model=str(tmp_path / "own")))


def test_an_old_cache_is_set_aside_and_said(tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    seed = synth.write(tmp_path / "seed.flac", synth.song(3.6))
    (tmp_path / "cache").mkdir()
    with closing(sqlite3.connect(tmp_path / "cache" / CACHE)) as db:
        db.executescript("CREATE TABLE hearing (id); PRAGMA user_version = 1;")
        db.execute(f"PRAGMA application_id = {APPLICATION}")
    said: list[str] = []
    found = similar(asked(seed, jobs=1), say=said.append)
    assert found.neighbours == ()
    assert found.duration_s == pytest.approx(3.6, abs=0.1)
    assert "of another version of genretag and is begun anew" in said[0]
