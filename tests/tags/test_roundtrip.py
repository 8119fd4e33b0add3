"""Foreign tags survive a write, whatever they are. mutagen alone is the witness here."""

from __future__ import annotations

import tempfile
from pathlib import Path

import mutagen
import mutagen.aiff
import mutagen.flac
import mutagen.id3 as m
import mutagen.mp4
import mutagen.oggflac
import mutagen.oggopus
import mutagen.oggvorbis
import mutagen.wave
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tags.tagging_samples import (
    FORMATS,
    ID3_FORMATS,
    MP4_FORMATS,
    MP4_SAMPLES,
    VORBIS_FORMATS,
    make,
    mp4_samples,
    recorder,
)

from tagger.domain import TagChange
from tagger.library.identity import payload_digest, payload_digest_of
from tagger.tags.fields import FIELDS
from tagger.tags.read import read_tags
from tagger.tags.writer import restore, write_changes

OURS = set(FIELDS)
READERS = {
    "flac": mutagen.flac.FLAC,
    "vorbis": mutagen.oggvorbis.OggVorbis,
    "opus": mutagen.oggopus.OggOpus,
    "oggflac": mutagen.oggflac.OggFLAC,
}
few = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

# Text as people have it; no surrogates, no NUL, and nothing that mutagen itself would strip.
text = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters=";"),
    min_size=1,
    max_size=20,
).filter(lambda s: s == s.strip())
name = st.text(st.sampled_from("abcXYZ 123"), min_size=1, max_size=10)
blob = st.binary(min_size=1, max_size=3000)
values = st.lists(
    st.sampled_from(["Rock", "Hip-Hop", "Électro", "摇滚", "R&B/Soul", "Drum & Bass"]),
    min_size=1,
    max_size=3,
    unique=True,
).map(tuple)
own = st.fixed_dictionaries(
    {},
    optional={
        "GENRE": values,
        "GENRETAG_GENRES": st.just(("Rock=0.83", "Électro=0.10")),
        "GENRETAG_CLUSTER": text.map(lambda s: (s,)),
        "GENRETAG_MODEL": st.just(("default-1",)),
        "GENRETAG_VERSION": st.just(("0.1.0",)),
    },
).filter(bool)


def write(path: Path, wanted: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Write fields and check what must hold for every file; gives those that had to change."""
    current = read_tags(path).values
    digest = payload_digest(path)
    changes = [
        TagChange(f, before, after)
        for f, after in wanted.items()
        if (before := current.get(f, ())) != after
    ]
    undo, recorded = recorder()
    content = path.read_bytes()
    write_changes(path, changes, payload_digest=payload_digest_of, recorded=recorded)
    for replacement in undo:
        written = path.read_bytes()
        assert restore(replacement)
        assert path.read_bytes() == content
        write_changes(path, changes, payload_digest=payload_digest_of)
        assert path.read_bytes() == written
    found = read_tags(path).values
    assert found == {k: v for k, v in {**current, **wanted}.items() if v}
    assert payload_digest(path) == digest
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return {change.field: change.after for change in changes}


def id3_frames(version: int):
    encoding = st.sampled_from([0, 1] if version == 3 else [1, 2, 3])
    words = (
        text
        if version == 4
        else text.map(lambda s: s.encode("latin-1", "ignore").decode("latin-1") or "x")
    )

    def texts(frame):
        return st.builds(frame, encoding=encoding, text=st.lists(words, min_size=1, max_size=2))

    return st.lists(
        st.one_of(
            texts(m.TIT2),
            texts(m.TPE1),
            texts(m.TSOP),
            st.builds(m.TXXX, encoding=encoding, desc=name, text=st.lists(words, min_size=1)),
            st.builds(m.COMM, encoding=encoding, lang=st.just("eng"), desc=name, text=words),
            st.builds(m.APIC, encoding=encoding, mime=st.just("image/png"), desc=name, data=blob),
            st.builds(m.POPM, email=name, rating=st.integers(0, 255), count=st.integers(0, 999)),
            st.builds(m.PRIV, owner=name, data=blob),
            st.builds(m.UFID, owner=name, data=st.binary(min_size=1, max_size=60)),
            st.builds(m.TCON, encoding=encoding, text=st.just(["(17)"])),
        ),
        max_size=8,
    )  # fmt: skip


def id3_of(path: Path):
    if path.suffix == ".mp3":
        return m.ID3(path, translate=False)
    reader = mutagen.wave.WAVE if path.suffix == ".wav" else mutagen.aiff.AIFF
    return reader(path, translate=False).tags


def foreign_frames(tags, changed) -> dict[str, str]:
    ids = {FIELDS[f].id3 for f in changed}
    return {key: repr(frame) for key, frame in tags.items() if key not in ids}


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("format_", ID3_FORMATS)
@few
@given(st.data())
def test_id3(format_, version, data):
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder), format_)
        frames = data.draw(id3_frames(version))
        if frames:
            file = mutagen.File(path)
            if file.tags is None:
                file.add_tags()
            for frame in frames:
                file.tags.add(frame)
            file.tags.save(path, v2_version=version, v23_sep=None)
        wanted = data.draw(own)
        before = foreign_frames(id3_of(path), wanted) if frames else {}
        changed = write(path, wanted)
        tags = id3_of(path)
        assert foreign_frames(tags, wanted) == before
        assert tags.version == (2, version if frames else 4, 0)
        for f, after in changed.items():
            frame = tags[FIELDS[f].id3]
            assert frame.text == (list(after) if tags.version[1] == 4 else ["; ".join(after)])
            assert frame.encoding == 3 if tags.version[1] == 4 else frame.encoding in (0, 1)


vorbis_comments = st.lists(
    st.tuples(st.sampled_from(["TITLE", "ARTIST", "artist", "Rating", "X Y", "genre"]), text),
    max_size=8,
)


@pytest.mark.parametrize("format_", VORBIS_FORMATS)
@few
@given(st.data())
def test_vorbis_comments(format_, data):
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder), format_)
        comments = data.draw(vorbis_comments)
        pictures = data.draw(st.lists(blob, max_size=2)) if format_ == "flac" else []
        file = READERS[format_](path)
        if file.tags is None:
            file.add_tags()
        file.tags.extend(comments)
        for content in pictures:
            picture = mutagen.flac.Picture()
            picture.data, picture.desc = content, "front"
            file.add_picture(picture)
        file.save()
        vendor = file.tags.vendor
        wanted = data.draw(own)

        def foreign(tags):
            return [(k, v) for k, v in tags if k.upper() not in wanted]

        changed = write(path, wanted)
        again = READERS[format_](path)
        assert foreign(again.tags) == foreign(file.tags)
        assert again.tags.vendor == vendor
        assert [p.data for p in getattr(again, "pictures", [])] == pictures
        for f, after in changed.items():
            assert again.tags[f] == list(after)


@pytest.mark.parametrize("format_", MP4_FORMATS)
@few
@given(st.data())
def test_mp4(format_, data):
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder), format_)
        atoms = data.draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "\xa9nam": st.lists(text, min_size=1),
                    "\xa9gen": st.lists(text, min_size=1),
                    "trkn": st.just([(3, 12)]),
                    "cpil": st.booleans(),
                    "tmpo": st.just([120]),
                    "covr": blob.map(lambda b: [mutagen.mp4.MP4Cover(b, 14)]),
                    "----:com.apple.iTunes:MOOD": blob.map(
                        lambda b: [mutagen.mp4.MP4FreeForm(b, dataformat=0, version=1)]
                    ),
                },
            )
        )  # fmt: skip
        if atoms:
            file = mutagen.mp4.MP4(path)
            file.add_tags()
            file.tags.update(atoms)
            file.save()
        wanted = data.draw(own)
        changed = write(path, wanted)
        tags = mutagen.mp4.MP4(path).tags
        keys = {FIELDS[f].mp4 for f in wanted}
        assert {k: v for k, v in tags.items() if k not in keys} == {
            k: v for k, v in atoms.items() if k not in keys
        }
        for f, after in changed.items():
            found = tags[FIELDS[f].mp4]
            assert [v if isinstance(v, str) else bytes(v).decode() for v in found] == list(after)
        assert mp4_samples(path.read_bytes()) == list(MP4_SAMPLES)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_second_write_and_taking_it_all_out(tmp_path, format_):
    path = make(tmp_path, format_)
    full = dict.fromkeys(FIELDS, ("One", "Two"))
    write(path, full)
    write(path, dict.fromkeys(FIELDS, ("Three",)))
    write(path, dict.fromkeys(FIELDS, ()))
    assert read_tags(path).values == {}


@pytest.mark.parametrize("format_", [f for f in FORMATS if f not in ("oggflac", *MP4_FORMATS)])
def test_the_sound_stays_the_same(tmp_path, format_):
    import soundfile as sf

    path = make(tmp_path, format_)
    before = sf.read(path)[0]
    write(path, {"GENRE": ("Rock",), "GENRETAG_CLUSTER": ("x" * 5000,)})
    assert (sf.read(path)[0] == before).all()
