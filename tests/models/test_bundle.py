from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from models.bundles import FILES, drop, put, small_bundle

from tagger.analysis.picture import COLUMN_S, FRAME_S
from tagger.analysis.version import ANALYSIS_VERSION
from tagger.errors import ModelError
from tagger.models.bundle import builtin_bundles, find_bundle, load_bundle


def test_a_bundle_is_read_as_it_stands(tmp_path):
    bundle = load_bundle(small_bundle(tmp_path / "m"))
    assert bundle.identity == "small 0.0.1"
    assert bundle.labels == ("Folk", "Ska")
    assert bundle.features == ("one", "two", "three")
    assert (bundle.excerpts.count, bundle.excerpts.seconds) == (2, 15.0)
    assert [(m.name, m.file, m.weight) for m in bundle.members] == [
        ("a", "a.onnx", 1.0),
        ("b", "b.onnx", 0.0),
    ]
    assert (bundle.cnn.columns, bundle.cnn.offset, bundle.cnn.scale) == (192, 0.5, 4.0)
    assert (bundle.fusion.ensemble, bundle.fusion.cnn) == (0.6, 0.4)
    assert bundle.fusion.temperature == 1.5
    assert dict(bundle.thresholds) == {"Folk": 0.5, "Ska": 0.75}
    assert bundle.clusters is not None
    assert bundle.clusters.features == (2, 0)
    assert bundle.clusters.names == ("calm", "lively", "wild")
    assert bundle.music is not None
    assert bundle.music.features == (1, 2)
    assert bundle.music.kinds == ("speech", "a tone")
    assert bundle.music.coefficients == ((2.0, 0.0), (0.0, 2.0))
    assert (bundle.music.limit, bundle.music.threshold) == (3.0, 0.5)
    assert dict(bundle.weights) == FILES


@pytest.mark.parametrize("edit", [drop("clusters"), put("clusters", None)])
def test_music_types_may_be_absent(tmp_path, edit):
    assert load_bundle(small_bundle(tmp_path / "m", edit)).clusters is None


@pytest.mark.parametrize("edit", [drop("music"), put("music", None)])
def test_a_model_need_not_judge_what_is_music(tmp_path, edit):
    assert load_bundle(small_bundle(tmp_path / "m", edit)).music is None


@pytest.mark.parametrize(
    ("edit", "column_s", "every_frame"),
    [
        (None, COLUMN_S, False),  # bundles that do not speak of it
        (put("cnn.column_s", COLUMN_S), COLUMN_S, False),
        (put("cnn.column_s", FRAME_S), FRAME_S, True),
    ],
)
def test_how_closely_the_network_looks(tmp_path, edit, column_s, every_frame):
    cnn = load_bundle(small_bundle(tmp_path / "m", edit)).cnn
    assert cnn.column_s == column_s
    assert cnn.every_frame is every_frame
    assert cnn.patch_s == 192 * column_s


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path, name):
    folder = small_bundle(tmp_path / "m")
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} cannot be read: No such file"):
        load_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_found_and_the_file_named(tmp_path, name):
    folder = small_bundle(tmp_path / "m")
    data = bytearray(FILES[name])
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ModelError, match=f"{name} differs from its digest"):
        load_bundle(folder)


def test_an_upper_case_or_foreign_digest_is_no_match(tmp_path):
    digest = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(ModelError, match=r"a\.onnx differs"):
        load_bundle(small_bundle(tmp_path / "m", put("files", {"a.onnx": digest})))


@pytest.mark.parametrize(
    "place",
    ["format", "name", "version", "labels", "analysis", "analysis.version", "analysis.excerpts",
     "analysis.excerpts.count", "analysis.excerpts.seconds", "analysis.features", "ensemble",
     "ensemble.members", "ensemble.members.0.name", "ensemble.members.1.file",
     "ensemble.members.0.weight", "cnn", "cnn.file", "cnn.columns", "cnn.offset", "cnn.scale",
     "fusion", "fusion.ensemble", "fusion.cnn", "fusion.temperature", "thresholds",
     "thresholds.Ska", "clusters.features", "clusters.mean", "clusters.scale",
     "clusters.centroids", "clusters.names", "music.features", "music.mean", "music.scale",
     "music.limit", "music.kinds", "music.coefficients", "music.intercepts", "music.threshold",
     "files"],
)  # fmt: skip
def test_a_missing_key_is_named(tmp_path, place):
    folder = small_bundle(tmp_path / "m", drop(place))
    with pytest.raises(ModelError, match=f"{place.rpartition('.')[2]} is missing"):
        load_bundle(folder)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        ("format", "1", "format must be a number"),
        ("format", True, "format must be a number"),
        ("format", 1.5, "format must be a whole number"),
        ("format", 2, "bundle format 2; this genretag reads 1"),
        ("format", 10**400, "format must be a number"),
        ("name", "", "name must be a printable string"),
        ("name", 7, "name must be a printable string"),
        ("name", "red\x1b[31m", "name must be a printable string"),
        ("version", "1\n2", "version must be a printable string"),
        ("labels", "Folk", "labels must be a list"),
        ("labels", {"Folk": 1}, "labels must be a list"),
        ("labels", ["Folk", None], r"labels\[1\] must be a printable string"),
        ("labels", ["Folk"], "labels must be two or more"),
        ("labels", ["Folk", "Folk"], "labels must be two or more, each once"),
        ("analysis", [], "version is missing"),
        ("analysis.version", ANALYSIS_VERSION + 1, "train the model again"),
        ("analysis.version", ANALYSIS_VERSION - 1, "train the model again"),
        ("analysis.excerpts.count", 0, "count must be a number from 1 to 100"),
        ("analysis.excerpts.count", 1.5, "count must be a whole number"),
        ("analysis.excerpts.seconds", 0.1, "seconds must be a number from 5 to 600"),
        ("analysis.features", [1], r"features\[0\] must be a printable string"),
        ("ensemble.members", {}, "members must be a list"),
        ("ensemble.members", [], "the ensemble has no members"),
        ("ensemble.members.0.weight", -1, "weight must be a number from 0"),
        ("ensemble.members.0.weight", NAN, "weight must be a number"),
        ("ensemble.members.0.file", "c.onnx", r"c\.onnx has no digest"),
        ("cnn.file", "../cnn.tflite", r"\.\./cnn\.tflite has no digest"),
        ("cnn.columns", 0, "columns must be a number from 8 to 4096"),
        ("cnn.columns", "192", "columns must be a number"),
        ("cnn.column_s", 0.05, r"column_s is 0\.05; this genretag draws a column every 0\.0775"),
        ("cnn.column_s", "0.0775", "column_s must be a number"),
        ("cnn.scale", NAN, "scale must be a number"),
        ("cnn.offset", -INF, "offset must be a number"),
        ("cnn.offset", None, "offset must be a number"),
        ("fusion.cnn", -0.1, "cnn must be a number from 0"),
        ("fusion.temperature", 0, "temperature must be a number from 0.01 to 100"),
        ("fusion.temperature", INF, "temperature must be a number from 0.01 to 100"),
        ("thresholds.Folk", 1.01, "Folk must be a number from 0 to 1"),
        ("thresholds.Folk", NAN, "Folk must be a number from 0 to 1"),
        ("thresholds", [0.5, 0.5], "Folk is missing"),
        ("clusters", [1], "features is missing"),
        ("clusters.features", [2, 3], r"features\[1\] must be a number from 0 to 2"),
        ("clusters.features", [-1, 0], r"features\[0\] must be a number from 0 to 2"),
        ("clusters.features", [0.5, 1], r"features\[0\] must be a whole number"),
        ("clusters.features", [2], "clusters' arrays differ in width"),
        ("clusters.mean", [1.0], "clusters' arrays differ in width"),
        ("clusters.mean", [1.0, NAN], r"mean\[1\] must be a number"),
        ("clusters.scale", [1.0, 2.0, 3.0], "clusters' arrays differ in width"),
        ("clusters.scale", [1.0, 0.0], r"scale\[1\] must be a number"),
        ("clusters.centroids.1", [0.0], "clusters' arrays differ in width"),
        ("clusters.centroids", [], "clusters' arrays differ in width"),
        ("clusters.centroids.2.0", NAN, r"centroids\[2\]\[0\] must be a number"),
        ("clusters.names", ["calm", "lively"], "each cluster needs one name"),
        ("music", [1], "features is missing"),
        ("music.features", [2, 3], r"features\[1\] must be a number from 0 to 2"),
        ("music.features", [2], "music: the arrays differ in width"),
        ("music.mean", [1.0], "music: the arrays differ in width"),
        ("music.scale", [1.0, 0.0], r"scale\[1\] must be a number"),
        ("music.limit", 0, "limit must be a number from 0.1"),
        ("music.kinds", [], "each kind needs one row and one intercept"),
        ("music.kinds", ["speech", "red\x1b[31m"], r"kinds\[1\] must be a printable string"),
        ("music.coefficients.1", [0.0], "music: the arrays differ in width"),
        ("music.coefficients", [], "music: the arrays differ in width"),
        ("music.coefficients.0.0", NAN, r"coefficients\[0\]\[0\] must be a number"),
        ("music.intercepts", [1.0], "each kind needs one row and one intercept"),
        ("music.threshold", 1.5, "threshold must be a number from 0 to 1"),
        ("files", ["cnn.tflite"], "files must be an object"),
        ("files", {"a.onnx": 5}, r"a\.onnx must be a printable string"),
    ],
)
def test_a_wrong_value_is_named(tmp_path, place, value, named):
    folder = small_bundle(tmp_path / "m", put(place, value))
    with pytest.raises(ModelError, match=named):
        load_bundle(folder)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "sub/cnn.tflite", ".", "..", "", "a\0b", "a\nb", "\ud800"]
)
def test_no_file_outside_the_bundle_is_opened(tmp_path, monkeypatch, name):
    (tmp_path / "secret").write_bytes(b"x")
    folder = small_bundle(tmp_path / "m")
    manifest = json.loads((folder / "model.json").read_text())
    manifest["files"] = {name: hashlib.sha256(b"x").hexdigest()}
    (folder / "model.json").write_text(json.dumps(manifest))
    opened: list[Path] = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path) or b"x")
    with pytest.raises(ModelError, match="not a plain file name"):
        load_bundle(folder)
    assert opened == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null", b'"format"', b"9" * 5000],
)
def test_a_manifest_that_is_no_manifest(tmp_path, content):
    folder = small_bundle(tmp_path / "m")
    (folder / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.json"):
        load_bundle(folder)


def test_a_huge_manifest_is_not_read(tmp_path):
    folder = small_bundle(tmp_path / "m")
    with (folder / "model.json").open("r+b") as file:
        file.truncate(1 << 40)  # sparse: reading it would take all memory there is
    with pytest.raises(ModelError, match="too large"):
        load_bundle(folder)


def test_a_missing_manifest_is_named(tmp_path):
    folder = small_bundle(tmp_path / "m")
    (folder / "model.json").unlink()
    with pytest.raises(ModelError, match=r"model\.json cannot be read: No such file"):
        load_bundle(folder)


def test_find_by_folder(tmp_path):
    folder = small_bundle(tmp_path / "m")
    assert find_bundle(str(folder)) == folder


def test_the_default_model_is_found_by_name_wherever_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = find_bundle("default")
    assert folder in builtin_bundles()
    assert load_bundle(folder).name == "default"


@pytest.mark.parametrize(
    ("name", "said"),
    [("nope", "no model 'nope'"), ("empty", "holds no model.json"), ("n" * 300, "cannot be read")],
)
def test_find_what_is_not_there(tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=said):
        find_bundle(name)
