"""Models as a stranger would send them: the default one with a file of his own in it."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

from tagger.models.bundle import find_bundle


def model_with(folder: Path, name: str, data: bytes) -> Path:
    """The default model in a new folder, where a file has other content and the right digest.

    ``name`` ``onnx`` stands for the ensemble's first member, ``tflite`` for the network.
    """
    shutil.copytree(find_bundle("default"), folder)
    manifest = json.loads((folder / "model.json").read_text())
    file = {"onnx": manifest["ensemble"]["members"][0]["file"], "tflite": manifest["cnn"]["file"]}
    (folder / file[name]).write_bytes(data)
    manifest["files"][file[name]] = sha256(data).hexdigest()
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder
