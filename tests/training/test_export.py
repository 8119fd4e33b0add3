from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("sklearn")
pytest.importorskip("skl2onnx")

from training.training_samples import LABELS, SPEC, blobs, bundle

from tagger.analysis.picture import FRAME_S, N_MELS
from tagger.errors import ModelError
from tagger.models.bundle import Bundle, ClusterSpec, CnnSpec, MusicSpec, load_bundle
from tagger.models.cnn import Cnn
from tagger.models.fusion import log_softmax
from tagger.training import export
from tagger.training.ensemble import soft_vote
from tagger.training.export import TOLERANCE, check_runtimes, write_bundle

TYPES = ClusterSpec((0, 5), (0.1, 2.0), (1.5, 0.25), ((0.0, -1.0), (1 / 3, 2.5)), ("a", "b"))
Cut = Callable[[pytest.MonkeyPatch], None]
JUNK = {"cnn.tflite": b"not a network", "tree.onnx": b"nor a tree"}


MUSIC = MusicSpec((1, 3), (0.1, 2.0), (1.5, 1 / 3), 3.0, ("noise",), ((1.0, -2.0),), (0.5,), 0.7)


def junk(folder: Path, **changes: object) -> Bundle:
    """A bundle that verifies, though no runtime would load it."""
    return bundle(folder, JUNK, **changes)


# --- writing ----------------------------------------------------------------------------


@pytest.mark.parametrize("music", [None, MUSIC])
@pytest.mark.parametrize("clusters", [None, TYPES])
def test_what_is_written_is_what_is_read(
    tmp_path: Path, clusters: ClusterSpec | None, music: MusicSpec | None
) -> None:
    folder = tmp_path / "new" / "model"
    cnn = CnnSpec("cnn.tflite", 16, 1 / 3, 4.0, FRAME_S)
    made = junk(folder, clusters=clusters, cnn=cnn, music=music)
    returned = write_bundle(made, folder)
    read = load_bundle(folder)
    assert read == returned == made
    assert sorted(p.name for p in folder.iterdir()) == ["cnn.tflite", "model.json", "tree.onnx"]


@pytest.mark.parametrize("name", sorted(JUNK))
@pytest.mark.parametrize("at", [0, -1])
def test_a_flipped_byte_is_found(tmp_path: Path, name: str, at: int) -> None:
    write_bundle(junk(tmp_path), tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[at] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ModelError, match=name):
        load_bundle(tmp_path)


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    write_bundle(junk(tmp_path), tmp_path)
    (tmp_path / "tree.onnx").unlink()
    with pytest.raises(ModelError, match=r"tree\.onnx"):
        load_bundle(tmp_path)


class PowerCutError(Exception):
    """What stops an export half way."""


def interrupted(made: Bundle, monkeypatch: pytest.MonkeyPatch, cut: Cut) -> None:
    """Write a bundle into its folder, and fail where ``cut`` says."""
    with monkeypatch.context() as patched:
        cut(patched)
        with pytest.raises(PowerCutError):
            write_bundle(made, made.folder)


def cut_at_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Bundle) -> dict[str, Any]:
        raise PowerCutError

    monkeypatch.setattr(export, "_manifest", fail)


def cut_at_second_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_bytes
    written: list[Path] = []

    def fail(path: Path, data: bytes) -> int:
        if written:
            write(path, data[: len(data) // 2])
            raise PowerCutError
        written.append(path)
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fail)


def cut_in_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def fail(path: Path, data: str, **options: Any) -> int:
        write(path, data[: len(data) // 2], **options)
        raise PowerCutError

    monkeypatch.setattr(Path, "write_text", fail)


def cut_at_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path, __: Path) -> Path:
        raise PowerCutError

    monkeypatch.setattr(Path, "replace", fail)


cuts = pytest.mark.parametrize(
    "cut", [cut_at_second_file, cut_at_manifest, cut_in_manifest, cut_at_replace]
)


@cuts
def test_an_interrupted_export_never_passes_as_a_mixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Cut
) -> None:
    write_bundle(junk(tmp_path), tmp_path)
    newer = {name: data + b", but newer" for name, data in JUNK.items()}
    second = replace(junk(tmp_path), version="0.2", weights=newer)
    interrupted(second, monkeypatch, cut)
    with pytest.raises(ModelError, match="differs from its digest"):
        load_bundle(tmp_path)
    # and the next export mends it
    write_bundle(second, tmp_path)
    assert load_bundle(tmp_path) == second


@pytest.mark.parametrize("cut", [cut_at_manifest, cut_in_manifest, cut_at_replace])
def test_an_interrupted_export_of_the_same_weights_leaves_the_former_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Cut
) -> None:
    former = write_bundle(junk(tmp_path), tmp_path)
    interrupted(replace(former, version="0.2"), monkeypatch, cut)
    assert load_bundle(tmp_path) == former


@cuts
def test_an_interrupted_first_export_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Cut
) -> None:
    interrupted(junk(tmp_path), monkeypatch, cut)
    with pytest.raises(ModelError, match=r"model\.json cannot be read"):
        load_bundle(tmp_path)


def test_a_bundle_that_cannot_be_read_back_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no digest"):
        write_bundle(junk(tmp_path, cnn=replace(SPEC, file="other.tflite")), tmp_path)


def test_the_manifest_is_plain_json(tmp_path: Path) -> None:
    write_bundle(junk(tmp_path, clusters=TYPES), tmp_path)
    text = (tmp_path / "model.json").read_text(encoding="utf-8")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    manifest = json.loads(text, parse_constant=refuse)
    assert list(manifest["files"]) == list(JUNK)
    assert manifest["labels"] == list(LABELS)


# --- runtimes ---------------------------------------------------------------------------


def patches(n: int, seed: int = 0) -> npt.NDArray[np.float32]:
    x = np.random.default_rng(seed).random((n, N_MELS, SPEC.columns, 1), dtype=np.float32)
    return ((x - SPEC.offset) * SPEC.scale).astype(np.float32)


def keras_probs(network: Any, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.exp(log_softmax(np.asarray(network(x, training=False))))


@pytest.fixture(scope="module")
def real(
    tmp_path_factory: pytest.TempPathFactory,
    network_tflite: bytes,
    members_onnx: dict[str, bytes],
) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    return write_bundle(bundle(folder, {SPEC.file: network_tflite, **members_onnx}), folder)


def test_litert_answers_as_keras_for_any_batch(real: Bundle, network: Any) -> None:
    cnn = Cnn(real)
    for n in (1, 5, 2):
        x = patches(n, seed=n)
        expected = keras_probs(network, x)
        answer = np.exp(cnn.log_probs(x))
        assert answer.shape == (n, len(LABELS))
        assert np.abs(answer - expected).max() <= 1e-4
    assert np.ptp(keras_probs(network, patches(5)), axis=0).max() > 1e-3  # not one answer for all


def check(real: Bundle, network: Any, members: dict[str, Any], wrong: str = "") -> dict[str, float]:
    x, features = patches(11), blobs(20, spread=2.0, seed=5).features
    network_probs, ensemble_probs = (
        keras_probs(network, x),
        soft_vote(members, dict.fromkeys(members, 1.0), features),
    )
    if wrong == "litert":
        network_probs = np.roll(network_probs, 1, axis=1)
    if wrong == "onnx":
        ensemble_probs = ensemble_probs[::-1]
    if wrong == "nan":
        network_probs[0, 0] = np.nan
    return check_runtimes(real, x, network_probs, features, ensemble_probs)


def test_runtimes_that_agree_pass(real: Bundle, network: Any, members: dict[str, Any]) -> None:
    differences = check(real, network, members)
    assert set(differences) == {"litert", "onnx"}
    assert 0 <= max(differences.values()) <= TOLERANCE


@pytest.mark.parametrize(("wrong", "named"), [("litert",) * 2, ("onnx",) * 2, ("nan", "litert")])
def test_runtimes_that_differ_are_refused(
    real: Bundle, network: Any, members: dict[str, Any], wrong: str, named: str
) -> None:
    with pytest.raises(ValueError, match=f"{named} differs"):
        check(real, network, members, wrong)
