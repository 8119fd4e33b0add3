from __future__ import annotations

import subprocess
import sys

import pytest

from tagger.models.bundle import CnnSpec
from tagger.training.networks_registry import NETWORKS


def test_the_registry_loads_nothing_heavy() -> None:
    script = (
        "import sys; from tagger.training.networks_registry import NETWORKS;"
        "print(sorted({'keras', 'tensorflow', 'sklearn', 'librosa'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_names_and_what_they_want() -> None:
    assert list(NETWORKS) == [
        *("resnet", "dense-mfcc", "segment-cnn", "lstm", "crnn"),
        *("vgg16", "xception", "mobilenetv2"),
    ]
    assert all(name == kind.name for name, kind in NETWORKS.items())
    assert {name for name, kind in NETWORKS.items() if kind.takes_weights} == {
        *("vgg16", "xception", "mobilenetv2")
    }
    for name in ("segment-cnn", "lstm"):
        spec = NETWORKS[name].spec()
        assert spec.every_frame
        assert spec.columns == 130
        assert spec.patch_s == pytest.approx(3.02, abs=0.01)
    spec = NETWORKS["resnet"].spec("a.tflite")
    assert spec == CnnSpec("a.tflite", 192, 0.45, 4.0)
    assert not spec.every_frame
    assert NETWORKS["segment-cnn"].augmentation.stretch == 1.0
