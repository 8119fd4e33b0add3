from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

import synth

from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import UsageError
from tagger.models.bundle import builtin_bundles, load_bundle
from tagger.models.music import kind_probabilities
from tagger.training import non_music
from tagger.training.datasets import ENSEMBLE_FEATURES
from tagger.training.free_sounds import kind_of
from tagger.training.music_judge import (
    KINDS,
    Sounds,
    choose_threshold,
    cross_validated,
    fit_judge,
    judge_sounds,
    weighed,
    weighed_judge,
)

ORDER = ("music", *KINDS)


def clouds(n: int, width: int = 8, source: str = "gtzan", seed: int = 0) -> Sounds:
    """``n`` clips of each kind; kind i lies at 4 on feature i. Two to a group."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat(ORDER, n)
    features = rng.normal(0, 1, (len(kinds), width))
    features[np.arange(len(kinds)), np.repeat(range(4), n)] += 4
    groups = [f"{source} {kind} {i % n // 2}" for i, kind in enumerate(kinds)]
    return Sounds(
        features.astype(np.float32),
        kinds,
        np.char.add("a ", kinds),
        np.array(groups),
        np.where(kinds == "music", source, "made"),
    )


def test_planted_kinds_are_told_apart() -> None:
    spec = fit_judge(clouds(40))
    p = kind_probabilities(clouds(40, seed=1).features, spec)
    truth = np.repeat(range(4), 40)
    said = np.column_stack([1 - p.sum(axis=1), p]).argmax(axis=1)
    assert (said == truth).mean() > 0.95
    assert spec.kinds == ("speech", "noise", "a tone")


def test_a_feature_that_never_varies_does_no_harm() -> None:
    clips = clouds(20)
    features = clips.features.copy()
    features[:, 7] = 5.0
    spec = fit_judge(replace(clips, features=features))
    assert min(spec.scale) > 0
    assert np.isfinite(kind_probabilities(features, spec)).all()


def test_each_kind_is_needed() -> None:
    clips = clouds(10)
    with pytest.raises(ValueError, match="clips of each kind are needed"):
        fit_judge(clips.take(clips.kinds != "tone"))


def test_a_group_is_judged_by_a_fit_that_did_not_see_it() -> None:
    """A kind that one group alone holds cannot be known when that group is left out."""
    clips = clouds(30)
    rng = np.random.default_rng(1)
    features = clips.features.copy()
    odd = clips.groups == "gtzan noise 3"
    features[odd] = rng.normal(0, 0.1, features[odd].shape) + np.eye(8)[6] * 9 + np.eye(8)[0] * 4
    clips = replace(clips, features=features.astype(np.float32))
    by_group = cross_validated(clips, clips.groups, 0)
    alone = cross_validated(clips, np.arange(len(clips)).astype(str), 0)
    assert by_group[odd].sum(axis=1).max() < 0.5
    assert alone[odd].sum(axis=1).max() > by_group[odd].sum(axis=1).max()


def test_the_threshold_is_the_least_that_spares_the_music() -> None:
    refusal = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.645, 0.9, 0.1, 0.1, 0.1])
    assert choose_threshold(refusal, 0.9) == 0.2
    assert choose_threshold(refusal, 0.5) == 0.21
    assert choose_threshold(refusal, 0.2) == 0.61
    assert choose_threshold(refusal, 0.1) == 0.65
    assert choose_threshold(refusal, 0.0) == 0.91
    assert choose_threshold(np.array([0.9999]), 0.0) == 1.0


def test_a_judge_is_weighed_so_that_the_threshold_is_one_half() -> None:
    clips = clouds(40)
    spec = fit_judge(clips)
    p = kind_probabilities(clips.features, spec)
    judge = weighed_judge(spec, 0.3)
    after = kind_probabilities(clips.features, judge)
    assert judge.threshold == 0.5
    assert after == pytest.approx(weighed(p, 0.3), abs=1e-4)
    assert np.array_equal(after.sum(axis=1) >= 0.5, p.sum(axis=1) >= 0.3)
    assert weighed(np.array([[0.1, 0.2]]), 0.3) == pytest.approx(np.array([[1 / 6, 1 / 3]]))
    assert weighed(np.array([[0.0, 1.0]]), 0.3) == pytest.approx(np.array([[0.0, 1.0]]))


def test_figures_by_hand() -> None:
    clips = Sounds.joined(clouds(2), clouds(1, source="made").take(np.array([0])))
    unseen = np.zeros((9, 3))
    unseen[2:4, 0] = 0.9  # both of speech
    unseen[4, 2] = 0.9  # a noise taken for a tone, and one for music
    unseen[8, 1] = 0.85  # made music taken for noise
    seen = np.full((9, 3), 0.3)
    figures = judge_sounds(clips, unseen, seen, 0.8)
    assert figures["kinds"]["speech"] == {"n": 2, "seen": 1.0, "unseen": 1.0, "named": 1.0}
    assert figures["kinds"]["noise"] == {"n": 2, "seen": 1.0, "unseen": 0.5, "named": 0.0}
    assert figures["kinds"]["tone"]["unseen"] == 0.0
    assert figures["recorded"] == {}
    assert figures["music"]["real"] == {"n": 2, "refused": 0.0}
    assert figures["music"]["made"] == {"n": 1, "seen": 1.0, "unseen": 1.0}
    assert [(f["source"], f["family"], f["n"], f["refused"]) for f in figures["families"]] == [
        ("gtzan", "a music", 2, 0),
        ("made", "a music", 1, 1),
        ("made", "a noise", 2, 1),
        ("made", "a speech", 2, 2),
        ("made", "a tone", 2, 0),
    ]
    at_half = next(p for p in figures["curve"] if p["threshold"] == 0.5)
    assert at_half == {"threshold": 0.5, "music": 0.0, "other": 0.5}


def test_the_judge_is_added_to_a_model_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = next(f for f in builtin_bundles() if f.name == "default")
    model, work = tmp_path / "model", tmp_path / "work"
    model.mkdir()
    work.mkdir()
    for path in default.iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    width = len(ENSEMBLE_FEATURES)
    music = {}
    for name in ("gtzan", "emotify", "emotify-short", "free", "zouk"):
        clips = clouds(12, width, source=name)
        recorded = np.flatnonzero(clips.kinds == "noise")[:3] if name == "free" else []
        music[name] = clips.take(
            np.concatenate([np.flatnonzero(clips.kinds == "music"), recorded]).astype(int)
        )
        music[name] = replace(music[name], sources=np.full(len(music[name]), name))
    made = clouds(24, width, source="made", seed=5)
    speaks = made.kinds == "speech"
    engines = np.resize(["espeak, room", "flite, room", "festival, room"], int(speaks.sum()))
    families = made.families.astype("U20")
    families[speaks] = engines
    kept = {**music, "made-7": replace(made, families=families)}
    kept["others"] = kept.pop("zouk")
    spoken = clouds(6, width, source="recorded speech", seed=8)
    spoken = spoken.take(spoken.kinds == "speech")
    kept["speech"] = replace(spoken, sources=np.full(len(spoken), "recorded speech"))
    for name, clips in kept.items():
        fields = ("features", "kinds", "families", "groups", "sources")
        np.savez(work / f"{name}.npz", **{key: getattr(clips, key) for key in fields})
    monkeypatch.setattr(non_music, "missing_programs", list)
    monkeypatch.setattr(non_music, "mute_voices", list)

    where = ["--model", str(model), "--work", str(work), "--music", str(tmp_path)]
    non_music.main([str(tmp_path), *where, "--speech", str(tmp_path), "--each", "7"])

    before, after = load_bundle(default), load_bundle(model)
    assert after.music is not None
    assert replace(after, music=before.music, folder=default) == before
    figures = json.loads((model / "figures.json").read_text(encoding="utf-8"))
    assert figures["non_music"]["music"]["real"]["n"] == 48
    recorded = figures["non_music"]["recorded"]
    assert {kind: of["n"] for kind, of in recorded.items()} == {"noise": 3, "speech": 6}
    elsewhere = {row["what"]: row for row in figures["non_music"]["elsewhere"]}
    assert elsewhere["music: zouk"] == {"what": "music: zouk", "n": 12, "refused": 0}
    assert elsewhere["speech: flite"]["n"] == 8
    assert elsewhere["music: free music"]["n"] == 12
    assert elsewhere["other sounds: free music"]["n"] == 3
    card = (model / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "## What is no music" in card
    assert elsewhere["speech: recorded speech"]["n"] == 6
    assert "| noise, recorded | 3 | " in card
    assert f"not learned from {100 * recorded['speech']['unseen']:.0f} % are refused" in card
    assert "is not judged" not in card


def test_a_synthesiser_that_is_missing_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    default = next(f for f in builtin_bundles() if f.name == "default")
    nowhere = ["/nowhere", "--music", "/nowhere", "--speech", "/nowhere", "--model", str(default)]
    monkeypatch.setattr(non_music, "missing_programs", lambda: ["flite"])
    with pytest.raises(SystemExit) as stop:
        non_music.main(nowhere)
    assert stop.value.code == 2
    assert "not installed: flite" in capsys.readouterr().err
    monkeypatch.setattr(non_music, "missing_programs", list)
    monkeypatch.setattr(non_music, "mute_voices", lambda: ["festival czech_ph"])
    with pytest.raises(SystemExit):
        non_music.main(nowhere)
    assert "not installed: festival czech_ph" in capsys.readouterr().err


def test_recordings_are_judged_beside_what_was_made() -> None:
    clips = Sounds.joined(clouds(2), clouds(1, source="made").take(np.array([0])))
    sources = clips.sources.copy()
    sources[4] = "free"  # a noise
    unseen = np.zeros((9, 3))
    unseen[4:6, 1] = 0.9, 0.1
    figures = judge_sounds(replace(clips, sources=sources), unseen, unseen, 0.5)
    assert figures["recorded"] == {"noise": {"n": 1, "seen": 1.0, "unseen": 1.0}}
    assert figures["kinds"]["noise"] == {"n": 1, "seen": 0.0, "unseen": 0.0, "named": 1.0}


def test_free_music_is_heard_but_what_its_name_does_not_tell(tmp_path: Path) -> None:
    other = tmp_path / "other"
    (tmp_path / "flare-game").mkdir()
    (other / "freedroidrpg-data").mkdir(parents=True)
    synth.write(tmp_path / "flare-game" / "001-rain.ogg", synth.noise(4.0, seed=1))
    synth.write(tmp_path / "flare-game" / "002-theme.ogg", synth.song(4.0))
    synth.write(other / "freedroidrpg-data" / "001-GameLost.ogg", synth.song(4.0))
    (tmp_path / "flare-game" / "003-broken.ogg").write_bytes(b"no recording")
    with pytest.raises(UsageError, match="no recording that can be heard"):
        non_music._free(other, ExcerptPlan(2, 15.0), 1)
    shutil.rmtree(other)
    free = non_music._free(tmp_path, ExcerptPlan(2, 15.0), 1)
    assert free.kinds.tolist() == ["noise", "music"]
    assert free.groups.tolist() == ["free/flare-game"] * 2
    assert free.real.tolist() == [False, True]
    assert free.features.shape == (2, len(ENSEMBLE_FEATURES))


@pytest.mark.parametrize(
    ("recording", "kind"),
    [
        ("megaglest-data/013-day.ogg", "noise"),
        ("megaglest-data/022-desertday.ogg", "noise"),
        ("redeclipse-data/007-hollowwind.ogg", "noise"),
        ("flare-game/016-wind_loop.ogg", "noise"),
        ("supertuxkart-data/041-sara_airport_pa.ogg", "speech"),
        ("freedroidrpg-data/001-GameLost.ogg", "unclear"),
        ("flare-game/006-forest_theme.ogg", "music"),
        ("openclonk-data/002-Cavern.ogg", "music"),
        ("supertux-data/020-forest-cave.ogg", "music"),
        ("unknown-horizons/010-nightdream.ogg", "music"),
    ],
)
def test_what_a_recording_is_by_its_name(recording: str, kind: str) -> None:
    assert kind_of(recording) == kind
