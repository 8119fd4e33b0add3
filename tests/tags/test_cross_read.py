"""What we write is read back as the same by three programs that share no code with us."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import mutagen
import pytest
import taglib
from tags.tagging_samples import FORMATS, ID3_FORMATS, MP4_FORMATS, make

from tagger.domain import TagChange
from tagger.library.identity import payload_digest_of
from tagger.tags.fields import FIELDS
from tagger.tags.writer import WriteSettings, write_changes

WANTED = {
    "GENRE": ["Rock", "Hip-Hop", "Électro 摇滚"],
    "GENRETAG_GENRES": ["Rock=0.83", "Pop=0.10"],
    "GENRETAG_CLUSTER": ["rhythmic and bright"],
}
NAMES = {"vorbis": "song.ogg", "oggflac": "song.oga"}
CASES = [(f, v) for f in FORMATS for v in ((3, 4) if f in ID3_FORMATS else (4,))]


@pytest.fixture(params=CASES, ids=[f"{f}-{v}" for f, v in CASES])
def written(request, tmp_path) -> tuple[str, int, Path]:
    format_, version = request.param
    path = make(tmp_path, format_)
    path = path.rename(tmp_path / NAMES.get(format_, path.name))
    changes = [TagChange(name, (), tuple(values)) for name, values in WANTED.items()]
    write_changes(
        path,
        changes,
        payload_digest=payload_digest_of,
        settings=WriteSettings(new_id3=version),
    )
    return format_, version, path


def as_stored(format_: str, version: int) -> dict[str, list[str]]:
    """ID3v2.3 has no lists: values are joined there."""
    joined = format_ in ID3_FORMATS and version == 3
    return {name: ["; ".join(v)] if joined else v for name, v in WANTED.items()}


def test_taglib(written):
    format_, version, path = written
    with taglib.File(path) as file:
        found = {name: values for name, values in file.tags.items() if name in WANTED}
    assert found == as_stored(format_, version)


def test_mutagen(written):
    format_, version, path = written
    tags = mutagen.File(path).tags
    for name, values in as_stored(format_, version).items():
        if format_ in ID3_FORMATS:
            found = list(tags[FIELDS[name].id3].text)
        elif format_ in MP4_FORMATS:
            found = [
                value if isinstance(value, str) else bytes(value).decode()
                for value in tags[FIELDS[name].mp4]
            ]
        else:
            found = tags[name]
        assert found == values


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="needs ffprobe")
def test_ffprobe(written):
    format_, version, path = written
    done = subprocess.run(
        ["ffprobe", "-v", "quiet", "-show_entries", "format_tags:stream_tags", "-of", "json", path],
        capture_output=True,
        check=True,
    )
    shown = json.loads(done.stdout)
    tags = shown["format"].get("tags", {})
    for stream in shown["streams"]:
        tags |= stream.get("tags", {})
    found = {name.upper(): value for name, value in tags.items()}
    for name, values in as_stored(format_, version).items():
        # ffmpeg joins comments by a semicolon, and shows the first of a list alone.
        is_list = format_ in (*ID3_FORMATS, *MP4_FORMATS)
        assert found[name] == (values[0] if is_list else ";".join(values))
