"""The recipe of the default model, end to end on a miniature of its data."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synth
from training.musicnn_samples import published_arrays
from training.tracing import untraced

pytest.importorskip("tensorflow")
pytest.importorskip("sklearn")
pytest.importorskip("skl2onnx")
pytest.importorskip("matplotlib")

from tagger.analysis.analyse import analyse
from tagger.analysis.features import GTZAN_FEATURES
from tagger.analysis.picture import N_MELS
from tagger.audio.decode import read_signal
from tagger.domain import Hearing
from tagger.errors import ModelError
from tagger.models.bundle import MAX_DIMS, find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.cnn import Cnn, cut_patches
from tagger.models.similarity import space_of
from tagger.training import (
    default_data,
    default_model,
    default_stages,
    export,
    musicnn,
    similar_space,
)
from tagger.training.answers import picture_log_probs
from tagger.training.card import write_text
from tagger.training.datasets import CLIP_COLUMNS
from tagger.training.default_data import EMOTIFY_CHOICE, LABELS, load_default_data, parts_by_artist
from tagger.training.default_model import main
from tagger.training.default_network import (
    SPEC,
    FittedNetwork,
    Listened,
    fit_default_network,
)
from tagger.training.musicnn_adapt import Adapted
from tagger.training.sources import read_labelled
from tagger.training.transfer_musicnn import BODY

pytestmark = pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")

OF_GTZAN = [genre for genre in LABELS if genre != "electronic"]


def write_gtzan(folder: Path, *, shared_artist: bool = False) -> None:
    """Three tracks a genre by three artists; the third is held out."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    genres = np.repeat(OF_GTZAN, 3)
    tracks = [f"{genre}.{i:05d}" for i, genre in enumerate(genres)]
    # A genre is a grey level here, and noise.
    grey = np.repeat(np.linspace(40, 180, len(OF_GTZAN)), 3)[:, None, None]
    pictures = grey + rng.normal(0, 15, (len(genres), N_MELS, CLIP_COLUMNS))
    artists = np.arange(len(genres))
    if shared_artist:
        artists[2] = artists[0]
    np.savez(
        folder / "spectrograms.npz",
        spectrogram=np.clip(pictures, 0, 255).astype(np.uint8),
        track=np.array(tracks),
        genre=genres,
        split=np.array(["train", "train", "valid"] * len(OF_GTZAN)),
        artist=artists,
    )
    with (folder / "features_30s.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["filename", *GTZAN_FEATURES])
        for i, track in enumerate(tracks):
            cells = np.abs(rng.normal(1 + i // 3, 0.3, len(GTZAN_FEATURES)))
            writer.writerow([f"{track}.wav", *cells])


def write_free_music(folder: Path) -> None:
    """Three recordings of two packages, one of them long, and a file that is none."""
    for i, (package, seconds) in enumerate([("chess", 4.0), ("racing", 125.0), ("racing", 5.0)]):
        (folder / package).mkdir(parents=True, exist_ok=True)
        y = np.tile(synth.song(5.0, seed=50 + i), int(seconds // 5) or 1)
        synth.write(folder / package / f"{i}.ogg", y.astype(np.float32))
    (folder / "racing" / "broken.mp3").write_bytes(b"no music")
    (folder / "racing" / "copyright").write_text("free")


def write_emotify(folder: Path) -> None:
    """Ten artists a genre, one clip each."""
    rows = []
    for g, genre in enumerate(EMOTIFY_CHOICE):
        (folder / genre).mkdir(parents=True)
        for i in range(10):
            file = f"{genre}/{i}.mp3"
            y = synth.song(4.0, seed=10 * g + i) + synth.noise(4.0, amplitude=0.03 * g, seed=i)
            synth.write(folder / file, y.astype(np.float32), quality=0.5)
            rows.append([file, genre, f"artist {g}{i}"])
    with (folder / "tracks.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["file", "genre", "artist"], *rows])


@pytest.fixture(scope="module")
def narrow() -> Iterator[None]:
    """The recipe with few channels, at random, and cross-validation of one seed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(musicnn, "read_wheel", lambda _: published_arrays())
        patched.setattr(default_stages, "_SEEDS", 1)
        yield


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    write_gtzan(folder / "gtzan")
    write_emotify(folder / "emotify")
    write_free_music(folder / "free")
    return folder


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, music: Path, narrow: None, small_ensemble: None
) -> Path:
    """A folder with the work and the bundle of all stages."""
    folder = tmp_path_factory.mktemp("made")
    places = ["--out", str(folder / "out"), "--work", str(folder / "work")]
    with untraced():
        wheel = ["--musicnn", "a wheel", "--music", str(music / "free")]
        main([str(music), *places, *wheel, "--epochs", "2"])
    return folder


def test_the_bundle_is_whole(made: Path) -> None:
    bundle = load_bundle(made / "out")
    assert bundle.identity == f"default {default_model.VERSION}"
    assert bundle.labels == tuple(LABELS.values())
    assert len(bundle.members) == 3
    assert bundle.clusters is not None
    assert 0 < bundle.cnn.embedding <= MAX_DIMS
    assert BODY in bundle.weights
    space = space_of(bundle)
    assert space is not None
    assert [part.spec.source for part in space.parts] == ["features", "embedding", "genres"]
    assert {p.name for p in (made / "out").iterdir()} == {
        *bundle.weights,
        *("model.json", "MODEL_CARD.md", "figures.json"),
        *("confusion.png", "learning_curve.png", "selective.png", "music_types.png"),
    }
    for picture in (made / "out").glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG\r\n")


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def test_the_figures_are_those_of_held_out_artists(made: Path, music: Path) -> None:
    text = (made / "out" / "figures.json").read_text(encoding="utf-8")
    figures = json.loads(text, parse_constant=refuse)
    # A third of GTZAN's 30 and a fifth of Emotify's 40 clips are held out.
    assert figures["held_out"]["n"] == 18
    assert figures["sources"]["gtzan"]["n"] == 10
    assert figures["sources"]["emotify"]["n"] == 8
    assert figures["develop"]["clips"] == 52
    assert figures["final"]["clips"] == 70
    assert figures["develop"]["settings"]["epochs"] == 2
    assert figures["final"]["history"] == figures["develop"]["history"]  # of one body
    assert np.sum(figures["held_out"]["confusion"]) == 18
    assert set(figures["runtimes"]) == {"litert", "onnx", "litert's embedding"}
    assert max(figures["runtimes"].values()) <= export.TOLERANCE
    with np.load(made / "work" / "held.npz", allow_pickle=False) as kept:
        (answers,) = kept["cnn_log"]
        assert kept["ensemble"].shape == (1, 18, len(LABELS))
    assert answers.shape == (18, len(LABELS))
    repeats = figures["repeats"]
    assert repeats["gtzan"]["fused"]["mean"] == figures["sources"]["gtzan"]["parts"]["fused"]
    assert repeats["emotify_of_its_four"]["cnn"]["mean"] == figures["emotify_of_its_four"]["cnn"]
    assert repeats["gtzan"]["ensemble"]["sd"] is None  # of one seed
    assert np.allclose(np.exp(answers).sum(axis=1), 1)
    parts = {"ensemble", "cnn", "fused", "logistic_regression", "svm", "extra_trees"}
    assert set(figures["sources"]["gtzan"]["parts"]) == parts
    assert set(figures["cross"]["gtzan"]) == {"ensemble", "cnn", "fused"}
    assert figures["cross"]["fused"]["n"] == 70
    with np.load(made / "work" / "cross.npz", allow_pickle=False) as kept:
        as_they_are, others = kept["cnn_log"][0], kept["cnn_log_other"][0]
        assert np.allclose(kept["ensemble_other"].sum(axis=2), 1)
    assert np.allclose(np.exp(others).sum(axis=1), 1)
    assert not np.allclose(others, as_they_are, atol=1e-3)
    of_others = figures["cross"]["other_master"]
    assert set(of_others["gtzan"]) == {"ensemble", "cnn", "fused"}
    gtzan = load_default_data(music).tracks.source == "gtzan"
    right = others[gtzan].argmax(axis=1) == load_default_data(music).targets[gtzan]
    assert of_others["gtzan"]["cnn"]["mean"] == pytest.approx(right.mean())
    # Two excerpts of the long recording; what cannot be read is left out.
    assert figures["develop"]["excerpts"] == 4
    assert figures["develop"]["recordings"] == 3
    assert figures["develop"]["packages"] == ["chess", "racing"]
    history = figures["develop"]["history"]
    assert len(history) == 2
    assert all(np.isfinite(look["validation_loss"]) for look in history)  # on Emotify


def test_the_card_says_what_the_figures_say(made: Path) -> None:
    card = (made / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")
    figures = json.loads((made / "out" / "figures.json").read_text(encoding="utf-8"))
    held_out = figures["held_out"]
    assert f"default {default_model.VERSION}" in card
    assert f"accuracy {held_out['accuracy']:.3f}, kappa {held_out['kappa']:.3f}" in card
    for label in LABELS.values():
        assert f"| {label} | " in card
    for name in figures["types"]["names"]:
        assert name in card
    for plot in (made / "out").glob("*.png"):
        assert f"({plot.name})" in card
    assert "nan" not in card.lower().split()


def test_the_classifier_answers_with_it(made: Path, music: Path) -> None:
    bundle = load_bundle(made / "out")
    signal = read_signal(music / "emotify" / "rock" / "0.mp3", bundle.excerpts)
    analysis = analyse(signal, bundle.features)
    patches, starts_s = cut_patches(analysis.picture, analysis.part_starts_s, bundle.cnn)
    hearing = Hearing(
        duration_s=signal.duration_s,
        heard_s=signal.heard_s,
        features=analysis.features,
        patch_log_probs=Cnn(bundle).log_probs(patches),
        patch_starts_s=starts_s,
    )
    (prediction,) = Classifier(bundle).predict([hearing])
    assert {label for label, _ in prediction.genres} == set(LABELS.values())
    probabilities = [p for _, p in prediction.genres]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)
    assert bundle.clusters is not None
    assert prediction.cluster in bundle.clusters.names


def test_a_stage_goes_on_from_the_work_of_others(
    made: Path, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the same work gives the same model, which is written once it has been checked."""
    check = export.check_runtimes
    there_before: list[bool] = []

    def spy(*arguments: Any) -> dict[str, float]:
        there_before.append((tmp_path / "out").exists())
        return check(*arguments)

    monkeypatch.setattr(export, "check_runtimes", spy)
    places = ["--out", str(tmp_path / "out"), "--work", str(made / "work")]
    with untraced():
        main([str(music), "bundle", *places])
    assert there_before == [False]
    first, again = load_bundle(made / "out"), load_bundle(tmp_path / "out")
    assert again.labels == first.labels
    assert again.clusters == first.clusters
    assert again.fusion == first.fusion
    assert again.thresholds == first.thresholds
    for member in first.members:
        assert again.weights[member.file] == first.weights[member.file], member.name


def test_the_model_of_the_development_split_and_the_clips_it_never_heard(
    made: Path, music: Path, tmp_path: Path
) -> None:
    audio = music / "gtzan" / "audio"
    audio.mkdir(exist_ok=True)
    for_training, valid = (f"{OF_GTZAN[0]}.{i:05d}" for i in (0, 2))
    for track in (for_training, valid):
        synth.write(audio / f"{track}.flac", synth.song(3.5))
    work = tmp_path / "work"
    shutil.copytree(made / "work", work)
    main([str(music), "held-out", "--work", str(work), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
    development, shipped = load_bundle(work / "development"), load_bundle(made / "out")
    assert set(development.thresholds) == set(shipped.thresholds) == set(development.labels)
    # Fitted on fewer clips, so that every part of it is another one.
    assert set(development.weights) == set(shipped.weights)
    for name, weights in development.weights.items():
        assert weights != shipped.weights[name], name
    held = read_labelled(work / "held_out_emotify.csv").examples
    assert len(held) == 8
    data = load_default_data(music)
    fitted_on = set(data.tracks.groups[~data.held])
    assert {f"emotify/{example.artist}" for example in held}.isdisjoint(fitted_on)
    (of_gtzan,) = read_labelled(
        work / "held_out_gtzan.csv", min_per_genre=1, least_genres=1
    ).examples
    assert of_gtzan.path.stem == valid


def test_the_answers_kept_are_those_of_the_network(made: Path, music: Path) -> None:
    """They are computed from what its body heard, behind convolutions in half precision."""
    data = load_default_data(music)
    fitted = FittedNetwork.load(made / "work" / "develop")
    whole = picture_log_probs(fitted.network(), SPEC, data.tracks.pictures[data.held])
    with np.load(made / "work" / "held.npz", allow_pickle=False) as answers:
        (kept,) = answers["cnn_log"]
    assert np.ptp(kept) > 1
    assert np.exp(kept) == pytest.approx(np.exp(whole), abs=5e-3)


def test_the_space_of_similar_tracks_alone_is_fitted_as_all_stages_fit_it(
    made: Path, music: Path, tmp_path: Path
) -> None:
    whole = load_bundle(made / "out")
    folder = tmp_path / "model"
    file = whole.similarity.file
    emptied = {**whole.weights, file: bytes(len(whole.weights[file]))}
    export.write_bundle(replace(whole, folder=folder, weights=emptied), folder)
    similar_space.main([str(music), "--out", str(folder)])
    alone = load_bundle(folder)
    tracks = load_default_data(music).tracks
    embeddings, log_probs = similar_space.look(Cnn(whole), whole.cnn, tracks.pictures)
    inputs = tracks.features, embeddings, np.exp(log_probs)
    vectors = [space_of(bundle).vectors(*inputs) for bundle in (whole, alone)]
    assert np.ptp(vectors[0].astype(int)) > 100
    assert (np.abs(np.subtract(*vectors, dtype=np.int16)) <= 1).mean() > 0.99
    assert replace(alone, folder=whole.folder, similarity=None, weights={}) == replace(
        whole, similarity=None, weights={}
    )
    others = replace(whole, features=whole.features[::-1])
    with pytest.raises(ModelError, match="other features"):
        similar_space.with_space(others, tracks)


def test_what_is_no_music_is_kept_of_the_model_that_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "default"
    shutil.copytree(find_bundle("default"), folder)
    shipped = load_bundle(folder)
    anew = replace(shipped, music=None)
    elsewhere = replace(anew, folder=tmp_path / "development")
    for new in (anew, elsewhere):
        bundle, figures = default_model._with_former_judge(new, folder)
        assert bundle == replace(new, music=shipped.music)
        assert bundle.music is not None
        assert set(figures) == {"non_music"}
    others = replace(anew, features=anew.features[::-1])
    assert default_model._with_former_judge(others, folder) == (others, {})
    (folder / "figures.json").write_text("[")
    assert default_model._with_former_judge(anew, folder) == (anew, {})
    assert default_model._with_former_judge(anew, tmp_path / "nowhere") == (anew, {})


def test_the_card_that_ships_is_what_its_figures_say(tmp_path: Path) -> None:
    bundle = load_bundle(find_bundle("default"))
    figures = json.loads((bundle.folder / "figures.json").read_text(encoding="utf-8"))
    write_text(bundle, figures, tmp_path)
    written = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert written == (bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_the_published_network_has_to_be_named(tmp_path: Path, music: Path, capsys: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(music), "listen", "--work", str(tmp_path / "work")])
    assert stop.value.code == 2
    assert "--musicnn: needed" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main([str(music), "listen", "--work", str(tmp_path / "work"), "--musicnn", "a wheel"])
    assert stop.value.code == 2
    assert "--music: needed" in capsys.readouterr().err


def test_what_is_learned_of_a_clip_is_learned_of_its_copies(music: Path) -> None:
    """A last layer that was told of copies names copies that it was not told of, more often."""
    data = load_default_data(music)
    rng = np.random.default_rng(0)
    n, n_labels, n_units = len(data.targets), len(LABELS), 30
    centres = rng.normal(0, 1, (n_labels, n_units))
    clips = (centres[data.targets] + rng.normal(0, 0.5, (n, n_units))).astype(np.float32)
    # Another master moves half of the units, and leaves the genre in the others.
    moved = np.arange(n_units) < n_units // 2

    def copies() -> Any:
        return clips + np.where(moved, rng.normal(0, 4, clips.shape), 0).astype(np.float32)

    body = Adapted({"standard.scale": clips[0] * 0, "standard.shift": clips[0] * 0}, ())
    some = np.stack([copies() for _ in range(3)])
    unheard, patches = copies(), clips[:, None]
    right = []
    for told in (patches.transpose(1, 0, 2), some):
        fitted = fit_default_network(body, data, Listened(patches, told))
        assert fitted.record["copies"] == len(told)
        answers = fitted.log_probs(unheard[:, None])
        right.append((answers.argmax(axis=1) == data.targets).mean())
    assert right[0] < 0.7 < right[1]


def test_copies_stay_with_their_clips(music: Path, small_ensemble: None) -> None:
    data = load_default_data(music)
    made, again = data.with_copies(3), data.with_copies(3)
    assert made.copies is not None
    assert again.copies is not None
    assert made.copies.shape == (2, *data.tracks.features.shape)
    assert np.array_equal(made.copies, again.copies)
    rows = np.arange(len(data.targets)) % 3 == 1
    taken = made.take(rows)
    assert taken.copies is not None
    assert np.array_equal(taken.copies, made.copies[:, rows])
    assert data.take(rows).copies is None
    # Each is nearer to its own clip than to most others.
    spread = data.tracks.features.std(axis=0) + 1e-9
    away = np.abs((taken.copies[0][:, None] - data.tracks.features[None]) / spread).mean(axis=2)
    own = away[np.arange(rows.sum()), np.flatnonzero(rows)]
    assert np.median((away < own[:, None]).mean(axis=1)) < 0.3


def test_no_artist_is_in_two_parts(music: Path) -> None:
    data = load_default_data(music)
    parts = parts_by_artist(data, 1)
    assert set(parts) == set(range(default_data._PARTS))
    pairs = set(zip(data.tracks.groups.tolist(), parts.tolist(), strict=True))
    assert len(pairs) == len(set(data.tracks.groups.tolist()))
    assert not np.array_equal(parts, parts_by_artist(data, 2))


def test_what_is_told_of_a_clip(music: Path) -> None:
    """Of a catch-all, that it is one of four; of anything else, that it is no other label."""
    data = load_default_data(music)
    for told, genre, of_emotify in zip(data.told, data.tracks.genres, data.of_emotify, strict=True):
        assert told.sum() == (4 if of_emotify and genre in {"pop", "rock"} else len(LABELS))


def test_an_artist_on_both_sides_stops_everything(tmp_path: Path, music: Path) -> None:
    write_gtzan(tmp_path / "gtzan", shared_artist=True)
    (tmp_path / "emotify").symlink_to(music / "emotify")
    with pytest.raises(SystemExit, match="artists on both sides"):
        main([str(tmp_path), "bundle", "--work", str(tmp_path / "work")])


def test_an_unknown_stage_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path), "bake", "--work", str(tmp_path / "work")])
    assert stop.value.code == 2
    assert not (tmp_path / "work").exists()


def test_emotify_says_nothing_of_labels_it_did_not_offer(music: Path) -> None:
    data = load_default_data(music)
    possible, of_emotify = data.possible, data.of_emotify
    offered = {
        label for label, is_possible in zip(LABELS, possible[-1], strict=True) if is_possible
    }
    assert offered == set(EMOTIFY_CHOICE)
    assert np.array_equal(possible[of_emotify], np.repeat(possible[-1:], 40, axis=0))
    assert possible[~of_emotify].all()
    assert possible[np.arange(70), data.targets].all()
    assert SPEC.columns <= CLIP_COLUMNS
