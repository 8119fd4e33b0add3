"""A failed write leaves the file and its folder exactly as they were, and every write can be
taken back byte for byte."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import mutagen.apev2
import mutagen.flac
import mutagen.id3 as m
import mutagen.mp4
import pytest
from tags.tagging_samples import FORMATS, content, make, recorder, set_trailer

from tagger.domain import TagChange
from tagger.errors import AudioError, TagError, TagsRefusedError
from tagger.library.identity import payload_digest, payload_digest_of
from tagger.tags import copying, leftovers, replace
from tagger.tags.edits import Edit, joined
from tagger.tags.formats.flac import Flac
from tagger.tags.leftovers import is_leftover, remove_leftover
from tagger.tags.read import read_tags
from tagger.tags.writer import WriteSettings, restore, write_changes

ROCK = (TagChange("GENRE", (), ("Rock",)),)
ALL = tuple(
    TagChange(f"GENRETAG_{name}", (), (value,))
    for name, value in {"GENRES": "Rock=0.83", "CLUSTER": "bright", "MODEL": "m 1"}.items()
)
IN_PLACE = WriteSettings(in_place=True)


def write(path: Path, changes=ROCK, digest=payload_digest_of, **options) -> None:
    write_changes(path, changes, payload_digest=digest, **options)


def refused(path: Path, reason: str, changes=ROCK, error=TagError, **options) -> None:
    """The write fails for this reason, in one line, and nothing has changed."""
    before, listing = path.read_bytes(), sorted(path.parent.iterdir())
    status = path.stat()
    with pytest.raises(error, match=reason) as caught:
        write(path, changes, **options)
    assert "\n" not in str(caught.value)
    assert path.name not in str(caught.value)
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert path.stat().st_ino == status.st_ino
    assert sorted(path.parent.iterdir()) == listing


def damaging(monkeypatch, *more: Edit) -> None:
    """Let the FLAC writer do something that it must not."""
    edits = Flac.edits
    monkeypatch.setattr(Flac, "edits", lambda self: joined((*edits(self), *more)))


def test_an_edit_in_the_audio(tmp_path, monkeypatch):
    damaging(monkeypatch, Edit(len(content("flac")) - 40, 1, b"?"))
    refused(make(tmp_path, "flac"), "audio would not stay", error=TagsRefusedError)


def test_audio_that_cannot_be_verified(tmp_path, monkeypatch):
    def fail(file) -> bytes:
        raise AudioError("no audio")

    damaging(monkeypatch, Edit(len(content("flac")) - 40, 1, b"?"))
    refused(make(tmp_path, "flac"), "cannot be verified: no audio", digest=fail)


def test_an_edit_of_another_field(tmp_path, monkeypatch):
    path = make(tmp_path, "flac")
    file = mutagen.flac.FLAC(path)
    file["TITLE"] = "Song"
    file.save()
    damaging(monkeypatch, Edit(path.read_bytes().index(b"Song"), 1, b"s"))
    refused(path, "something beside our fields would change: comment", error=TagsRefusedError)


def test_edits_that_do_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(Flac, "edits", lambda self: ())
    refused(make(tmp_path, "flac"), "cannot hold these values of GENRE")


@pytest.mark.parametrize("settings", [WriteSettings(), IN_PLACE])
def test_a_file_that_changes_meanwhile(tmp_path, settings):
    path = make(tmp_path, "mp3")
    events = []

    @contextmanager
    def recorded(replacement):
        with path.open("ab") as file:
            file.write(b"more")
        try:
            yield
        except TagError:
            events.append("withdrawn")
            raise

    with pytest.raises(TagError, match="changed while it was being tagged"):
        write(path, settings=settings, recorded=recorded)
    assert path.read_bytes() == content("mp3") + b"more"
    assert events == ["withdrawn"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_copy_that_differs(tmp_path, monkeypatch):
    copy_ = copying._copy_in_kernel

    def bad_memory(original, copy, start, end):
        done = copy_(original, copy, start, end)
        if end - start > 2000:
            os.pwrite(copy.fileno(), b"?", 2000)
        return done

    monkeypatch.setattr(copying, "_copy_in_kernel", bad_memory)
    monkeypatch.setattr(copying, "_reflink", lambda *args: False)
    refused(make(tmp_path, "wav"), "the copy differs")


def test_a_field_that_changed_since_it_was_read(tmp_path):
    path = make(tmp_path, "mp3")
    refused(path, "GENRE has changed since", [TagChange("GENRE", ("Pop",), ("Rock",))])


def test_a_file_that_changed_since_the_plan(tmp_path):
    path = make(tmp_path, "flac")
    planned_for = read_tags(path).file
    os.utime(path, ns=(1, 1))
    refused(path, "the file has changed since this was planned", planned_for=planned_for)
    file = mutagen.flac.FLAC(path)
    file["TITLE"] = "Song"
    file.save()
    refused(path, "its tags have changed since this was planned", planned_for=planned_for)
    write(path, planned_for=read_tags(path).file)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([TagChange("TITLE", (), ("x",))], "unknown fields: TITLE"),
        ([*ROCK, *ROCK], "one field twice"),
    ],
)
def test_a_plan_that_is_wrong(tmp_path, changes, reason):
    refused(make(tmp_path, "mp3"), reason, changes)


def test_a_read_only_file(tmp_path):
    path = make(tmp_path, "mp3")
    path.chmod(0o444)
    refused(path, "read-only", error=TagsRefusedError)


@pytest.mark.skipif(not shutil.which("chattr"), reason="needs chattr")
@pytest.mark.parametrize(
    ("flag", "what", "reason"),
    [
        ("i", "file", "it is immutable"),
        ("a", "file", "not permitted; the file or its folder may be immutable"),
        ("i", "folder", "the folder is read-only.*--write in-place"),
    ],
)
def test_files_and_folders_that_are_immutable(tmp_path, flag, what, reason):
    path = make(tmp_path, "mp3")
    target = path if what == "file" else tmp_path
    if subprocess.run(["chattr", f"+{flag}", target], capture_output=True).returncode:
        pytest.skip("may not make anything immutable here")
    try:
        refused(path, reason)
    finally:
        subprocess.run(["chattr", f"-{flag}", target], check=True)


def test_hard_links(tmp_path):
    path = make(tmp_path, "mp3")
    os.link(path, tmp_path / "other.mp3")
    refused(path, "2 hard links", error=TagsRefusedError)


def test_a_symbolic_link_is_followed_and_stays(tmp_path):
    (tmp_path / "real").mkdir()
    real = make(tmp_path / "real", "mp3")
    link = tmp_path / "link.mp3"
    link.symlink_to(real)
    write(link)
    assert link.is_symlink()
    assert read_tags(real).values == {"GENRE": ("Rock",)}
    assert list((tmp_path / "real").iterdir()) == [real]


def test_what_is_no_file(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    for name in ("loop", "pipe", "missing"):
        with pytest.raises(TagError):
            write(tmp_path / name)
    with pytest.raises(TagError, match="the file is gone"):
        write(tmp_path / "missing")
    with pytest.raises(TagsRefusedError, match="not a regular file"):
        write(tmp_path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"Dear diary, today I named a text file after a song.\n" * 99, "not an audio format"),
        (content("flac")[:30], "cut short"),
        (content("flac")[:42] + b"\x84" + content("flac")[43:50], "cut short"),
        (content("vorbis")[:100], "cut short"),
        (content("m4a")[:200], "cut short"),
        (content("wav")[:100], "cut short"),
        (b"ID3\2\0\x40\0\0\0\0" + content("mp3"), "compress"),
        (b"ID3\3\0\0\0\0\0\x0cTIT2\0\0\1\0\0\0\0x" + content("mp3"), "damaged"),
        (b"RF64" + content("wav")[4:], "RF64"),
        (b"OggS" + bytes(100), "not supported"),
    ],
    ids=(
        "nothing", "text", "flac", "flac block", "vorbis", "m4a", "wav", "compressed", "frame",
        "rf64", "ogg",
    ),
)  # fmt: skip
def test_files_that_cannot_be_tagged(tmp_path, data, reason):
    path = tmp_path / "song.mp3"
    path.write_bytes(data)
    with pytest.raises(TagError, match=reason):
        read_tags(path)
    refused(path, reason)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_cut_anywhere_is_tagged_or_left_alone(tmp_path, format_):
    data = content(format_)
    path = tmp_path / "cut"
    for length in range(1, min(len(data), 4000), 97):
        path.write_bytes(data[:length])
        try:
            write(path)
        except TagError:
            assert path.read_bytes() == data[:length]
        else:
            assert read_tags(path).values == {"GENRE": ("Rock",)}
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EPERM, "not permitted"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "utime", "open"])
def test_the_system_says_no(tmp_path, monkeypatch, number, words, call):
    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(replace.os, call, fail)
    refused(make(tmp_path, "mp3"), words)


@pytest.mark.parametrize("settings", [WriteSettings(), IN_PLACE])
def test_a_journal_that_fails(tmp_path, settings):
    @contextmanager
    def recorded(replacement):
        raise TagError("the journal cannot be written: the disk is full")
        yield

    refused(make(tmp_path, "mp3"), "journal cannot", settings=settings, recorded=recorded)


def test_an_interrupt_leaves_nothing_behind(tmp_path):
    path = make(tmp_path, "mp3")

    @contextmanager
    def recorded(replacement):
        assert len(list(tmp_path.iterdir())) == 2
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        write(path, recorded=recorded)
    assert path.read_bytes() == content("mp3")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ways", [("_reflink",), ("_reflink", "_copy_in_kernel")])
def test_every_way_of_copying(tmp_path, monkeypatch, ways):
    path = make(tmp_path, "aiff")
    before = payload_digest(path)
    for way in ways:
        monkeypatch.setattr(copying, way, lambda *args: False)
    write(path)
    assert read_tags(path).values == {"GENRE": ("Rock",)}
    assert payload_digest(path) == before


def test_mode_attributes_and_times_are_kept(tmp_path):
    path = make(tmp_path, "mp3")
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18))
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        pytest.skip("no extended attributes here")
    write(path, settings=WriteSettings(mtime="preserve"))
    assert path.stat().st_mtime_ns == 10**18
    write(path, [TagChange("GENRE", ("Rock",), ("Pop",))])
    assert path.stat().st_mtime_ns > 10**18
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.getxattr(path, "user.note") == b"mine"


def test_nothing_to_do_touches_nothing(tmp_path):
    path = make(tmp_path, "mp3")
    status = path.stat()
    write(path, ())
    assert path.stat() == status


# Taking it back.


@pytest.mark.parametrize("settings", [WriteSettings(), IN_PLACE], ids=["safe", "in place"])
@pytest.mark.parametrize("format_", FORMATS)
def test_there_and_back(tmp_path, format_, settings):
    path = make(tmp_path, format_)
    os.utime(path, ns=(10**18, 10**18 + 7))
    before, digest = path.read_bytes(), payload_digest(path)
    replacements = []

    @contextmanager
    def recorded(replacement):
        assert path.read_bytes() == (before if not replacements else after)
        yield
        replacements.append(replacement)

    write(path, (*ROCK, *ALL), settings=settings, recorded=recorded)
    after = path.read_bytes()
    write(path, [TagChange("GENRE", ("Rock",), ())], settings=settings, recorded=recorded)
    assert read_tags(path).values.keys() == {c.field for c in ALL}
    assert payload_digest(path) == digest
    first, second = replacements
    assert first.path == path.resolve()
    assert (first.changes, first.state_after) == ((*ROCK, *ALL), second.state_before)

    with pytest.raises(TagsRefusedError, match="changed since by another"):
        restore(first)
    assert restore(second, dry_run=True)
    assert path.read_bytes() != after
    assert restore(second, in_place=settings.in_place)
    assert path.read_bytes() == after
    assert not restore(second)
    assert restore(first, in_place=settings.in_place)
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == 10**18 + 7
    assert not restore(first)
    assert list(tmp_path.iterdir()) == [path]


def test_an_undo_of_a_file_that_is_gone_or_read_only(tmp_path):
    path = make(tmp_path, "mp3")
    kept, recorded = recorder()
    write(path, recorded=recorded)
    path.chmod(0o444)
    with pytest.raises(TagsRefusedError, match="read-only"):
        restore(kept[0])
    path.unlink()
    with pytest.raises(TagError, match="the file is gone"):
        restore(kept[0])


def test_an_undo_follows_a_file_that_became_a_link(tmp_path):
    path = make(tmp_path, "mp3")
    kept, recorded = recorder()
    write(path, recorded=recorded)
    (tmp_path / "disk2").mkdir()
    real = path.rename(tmp_path / "disk2" / "moved.mp3")
    path.symlink_to(real)
    assert restore(kept[0])
    assert path.is_symlink()
    assert real.read_bytes() == content("mp3")


def test_a_link_that_takes_the_files_place_is_kept(tmp_path):
    path = make(tmp_path, "mp3")
    moved = tmp_path / "moved.mp3"

    @contextmanager
    def recorded(replacement):
        path.rename(moved)
        path.symlink_to(moved)
        yield

    with pytest.raises(TagError, match="changed while"):
        write(path, recorded=recorded)
    assert path.is_symlink()
    assert moved.read_bytes() == content("mp3")


def test_an_undo_does_not_wait_for_a_pipe(tmp_path):
    path = make(tmp_path, "mp3")
    kept, recorded = recorder()
    write(path, recorded=recorded)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(TagsRefusedError, match="not a regular file"):
        restore(kept[0])


@pytest.mark.skipif(not shutil.which("setfacl"), reason="needs setfacl")
def test_an_access_list_of_the_folder_is_not_taken_over(tmp_path):
    path = make(tmp_path, "mp3")
    path.chmod(0o640)
    acl = ["setfacl", "-d", "-m", "u:65534:rwx", tmp_path]
    if subprocess.run(acl, capture_output=True).returncode:
        pytest.skip("no access lists here")
    write(path)
    assert os.listxattr(path) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(not hasattr(os, "fork") or os.getuid() != 0, reason="needs root")
def test_an_owner_who_would_change(tmp_path):
    path = make(tmp_path, "mp3")
    os.chown(path, 1234, 5555)
    path.chmod(0o666)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o777)
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            refused(path, "keep the file's owner", error=TagsRefusedError)
            write(path, settings=WriteSettings("preserve", in_place=True))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5555)
    assert read_tags(path).values == {"GENRE": ("Rock",)}


def test_in_place_keeps_hard_links_and_the_inode(tmp_path):
    path = make(tmp_path, "flac")
    os.link(path, tmp_path / "twin.flac")
    inode = path.stat().st_ino
    write(path, settings=IN_PLACE)
    assert path.stat().st_ino == inode
    assert read_tags(tmp_path / "twin.flac").values == {"GENRE": ("Rock",)}


def test_in_place_in_a_folder_that_takes_no_copy(tmp_path, monkeypatch):
    path = make(tmp_path, "mp3")
    access = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: p != tmp_path and access(p, mode))
    refused(path, "the folder is read-only", error=TagsRefusedError)
    write(path, settings=IN_PLACE)
    assert read_tags(path).values == {"GENRE": ("Rock",)}


def test_in_place_meets_a_full_disk_before_it_overwrites(tmp_path, monkeypatch):
    def full(handle, offset, length):
        os.ftruncate(handle, offset + length // 2)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(replace.os, "posix_fallocate", full)
    path = make(tmp_path, "mp3")
    with pytest.raises(TagError, match="disk is full"):
        write(path, settings=IN_PLACE)
    assert path.read_bytes() == content("mp3")


def test_in_place_holds_an_interrupt_back(tmp_path, monkeypatch):
    path = make(tmp_path, "wav")
    apply_ = replace.apply_in_place

    def interrupted(edits, file, length):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        apply_(edits, file, length)

    monkeypatch.setattr(replace, "apply_in_place", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(path, settings=IN_PLACE)
    monkeypatch.undo()
    assert read_tags(path).values == {"GENRE": ("Rock",)}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_place_on_what_another_process_was_writing(tmp_path):
    path = make(tmp_path, "flac")

    @contextmanager
    def recorded(replacement):
        status = path.stat()
        data = path.read_bytes()
        path.write_bytes(data.replace(b"libFLAC", b"libflac"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        yield

    with pytest.raises(TagError, match="changed while"):
        write(path, settings=IN_PLACE, recorded=recorded)
    assert b"libflac" in path.read_bytes()


def test_writers_in_place_take_turns(tmp_path):
    """Several processes in one file: each write is whole, or refused."""
    path = make(tmp_path, "mp3")
    digest = payload_digest(path)
    code = f"""
import sys
from pathlib import Path
from tagger.domain import TagChange
from tagger.errors import TagError
from tagger.library.identity import payload_digest_of
from tagger.tags.read import read_tags
from tagger.tags.writer import WriteSettings, write_changes
path, done = Path({os.fspath(path)!r}), 0
for i in range(150):
    try:
        before = read_tags(path).values.get("GENRE", ())
        word = f"{{sys.argv[1]}} {{i}}" * (1 + i % 40)
        write_changes(path, [TagChange("GENRE", before, (word,))],
                      payload_digest=payload_digest_of, settings=WriteSettings(in_place=True))
        done += 1
    except TagError:
        continue
print(done)
"""
    rivals = [
        subprocess.Popen([sys.executable, "-c", code, name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two", "three")
    ]
    done = [int(rival.communicate()[0]) for rival in rivals]
    assert sum(done) > 50
    assert payload_digest(path) == digest
    (genre,) = read_tags(path).values["GENRE"]
    assert genre.split()[0] in ("one", "two", "three")


def test_in_place_says_that_a_file_may_be_damaged(tmp_path, monkeypatch):
    def broken(*args):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(replace, "apply_in_place", broken)
    with pytest.raises(TagError, match="may be damaged: the disk reports"):
        write(make(tmp_path, "mp3"), settings=IN_PLACE)


# What a killed run leaves.


def test_leftovers(tmp_path):
    path = make(tmp_path, "mp3")
    seen = []

    @contextmanager
    def recorded(replacement):
        (copy,) = [p for p in tmp_path.iterdir() if p != path]
        seen.append((is_leftover(copy.name), remove_leftover(copy), copy))
        yield

    write(path, recorded=recorded)
    ((is_one, removed, copy),) = seen
    assert (is_one, removed) == (True, False)  # it was in use
    copy.write_bytes(b"half a file")
    notes = tmp_path / ".genretag-notes.tmp"
    notes.write_text("not ours")
    assert not remove_leftover(notes)
    assert remove_leftover(copy)
    assert not remove_leftover(copy)
    assert sorted(tmp_path.iterdir()) == [notes, path]


def test_a_clean_up_between_creation_and_lock(tmp_path, monkeypatch):
    lock, removed = leftovers._lock, []

    def slow(file, *, wait):
        if wait and not removed:
            removed.extend(p for p in tmp_path.iterdir() if remove_leftover(p))
        return lock(file, wait=wait)

    monkeypatch.setattr(leftovers, "_lock", slow)
    path = make(tmp_path, "mp3")
    write(path)
    assert len(removed) == 1
    assert read_tags(path).values == {"GENRE": ("Rock",)}
    assert list(tmp_path.iterdir()) == [path]


# What lies around the ID3v2 tag of an MP3.


def test_the_old_trailers_stay_but_for_the_genre(tmp_path):
    path = make(tmp_path, "mp3")
    m.ID3().save(path)
    trailer = set_trailer(path, ape={"REPLAYGAIN_TRACK_GAIN": "-3 dB", "Title": "x"})
    before = payload_digest(path)
    write(path, [TagChange("GENRETAG_MODEL", (), ("m1",))])
    assert path.read_bytes().endswith(trailer)
    write(path, [TagChange("GENRE", ("Rock",), ("Hip Hop", "Rock"))])
    assert path.read_bytes().endswith(trailer[:-1] + b"\7")
    write(path, [TagChange("GENRE", ("Hip Hop", "Rock"), ("Vaporwave",))])
    assert path.read_bytes().endswith(trailer[:-1] + b"\xff")
    assert mutagen.apev2.APEv2(path)["Title"] == "x"
    assert payload_digest(path) == before


def test_a_new_tag_does_not_hide_an_old_one(tmp_path):
    path = make(tmp_path, "mp3")
    trailer = set_trailer(path, genre=13)
    current = read_tags(path)
    assert (current.kind, current.values) == ("ID3v1", {"GENRE": ("Pop",)})
    write(path, [TagChange("GENRETAG_MODEL", (), ("m1",))])
    tags = m.ID3(path, load_v1=False)
    assert (str(tags["TIT2"]), str(tags["TPE1"]), str(tags["TRCK"])) == (
        "Old Title", "Old Artist", "5",
    )  # fmt: skip
    assert read_tags(path).values["GENRE"] == ("Pop",)
    assert path.read_bytes().endswith(trailer)


def test_a_lone_apev2_tag(tmp_path):
    path = make(tmp_path, "mp3")
    tags = mutagen.apev2.APEv2()
    tags["MP3GAIN_MINMAX"] = "100,200"
    tags.save(path)
    write(path)
    assert mutagen.apev2.APEv2(path)["MP3GAIN_MINMAX"] == "100,200"
    assert read_tags(path).kind == "ID3v2.4"
    other = make(tmp_path, "mp3")
    tags["Artist"] = "Somebody"
    tags.save(other)
    write(other)
    assert read_tags(other).kind == "APEv2"
    assert mutagen.apev2.APEv2(other)["Genre"] == "Rock"
    assert not other.read_bytes().startswith(b"ID3")


def test_a_genre_in_id3v1_alone_counts(tmp_path):
    path = make(tmp_path, "mp3")
    tags = m.ID3()
    tags.add(m.TIT2(encoding=3, text=["x"]))
    tags.save(path, v1=0)
    trailer = set_trailer(path, genre=17)
    assert read_tags(path).values == {"GENRE": ("Rock",)}
    write(path, [TagChange("GENRE", ("Rock",), ("Pop",))])
    assert read_tags(path).values == {"GENRE": ("Pop",)}
    assert path.read_bytes().endswith(trailer[:-1] + b"\x0d")
    write(path, [TagChange("GENRE", ("Pop",), ())])
    assert read_tags(path).values == {}


def test_frames_that_mutagen_would_merge_or_drop(tmp_path):
    def frame(name: bytes, body: bytes) -> bytes:
        return name + len(body).to_bytes(4, "big") + b"\0\0" + body

    foreign = [
        frame(b"TPE1", b"\0One"), frame(b"TPE1", b"\0Two"), frame(b"TIT2", b""),
        frame(b"TALB", b"\x09bad encoding"), frame(b"XYZ1", b"?"), frame(b"TXXX", b"\7junk"),
    ]  # fmt: skip
    body = b"".join(foreign[:3]) + frame(b"TCON", b"\0(17)") + b"".join(foreign[3:])
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3\3\0\0\0\0" + bytes(divmod(len(body), 128)) + body + content("mp3"))
    write(path, [TagChange("GENRE", ("Rock",), ("Pop", "摇滚"))])
    data = path.read_bytes()
    at = [data.index(f) for f in foreign]
    assert at == sorted(at)
    assert at[2] < data.index(b"TCON") < at[3]
    assert read_tags(path).values == {"GENRE": ("Pop", "摇滚")}
    assert data.endswith(content("mp3"))


def test_room_in_the_tag_is_used(tmp_path):
    path = make(tmp_path, "mp3")
    write(path)
    size = path.stat().st_size
    write(path, [TagChange("GENRETAG_MODEL", (), ("m1",))])
    assert path.stat().st_size == size


def test_id3_in_front_of_flac_stays(tmp_path):
    tag = b"ID3\3\0\0\0\0\0\x0cTIT2\0\0\0\2\0\0\0x"
    path = tmp_path / "a.flac"
    path.write_bytes(tag + content("flac"))
    write(path)
    assert path.read_bytes().startswith(tag + b"fLaC")
    assert mutagen.flac.FLAC(path)["GENRE"] == ["Rock"]


def test_comments_that_are_not_valid_stay(tmp_path):
    path = make(tmp_path, "flac")
    file = mutagen.flac.FLAC(path)
    file["TITLE"] = "Musik"
    file.save()
    path.write_bytes(path.read_bytes().replace(b"Musik", b"Mus\xefk"))
    write(path)
    assert b"TITLE=Mus\xefk" in path.read_bytes()
    assert read_tags(path).values == {"GENRE": ("Rock",)}


def test_a_numeric_mp4_genre_has_a_name(tmp_path):
    path = make(tmp_path, "m4a")
    file = mutagen.mp4.MP4(path)
    file["\xa9gen"] = "xx"
    file.save()
    data = path.read_bytes()
    data = data.replace(b"\xa9gen\0\0\0\x12data\0\0\0\1", b"gnre\0\0\0\x12data\0\0\0\0")
    path.write_bytes(data.replace(b"\0\0\0\0xx", b"\0\0\0\0\0\x12"))
    assert read_tags(path).values == {"GENRE": ("Rock",)}
    write(path, [TagChange("GENRE", ("Rock",), ("Pop",))])
    assert b"gnre" not in path.read_bytes()


def test_mixed_case_and_numbers_in_vorbis_comments(tmp_path):
    path = make(tmp_path, "flac")
    file = mutagen.flac.FLAC(path)
    file.tags.extend([("A", "1"), ("Genre", "17"), ("B", "2"), ("gENRE", "Folk; Blues")])
    file.save()
    assert read_tags(path).values == {"GENRE": ("Rock", "Folk", "Blues")}
    write(path, [TagChange("GENRE", ("Rock", "Folk", "Blues"), ("Pop", "Jazz"))])
    assert list(mutagen.flac.FLAC(path).tags) == [
        ("A", "1"), ("Genre", "Pop"), ("Genre", "Jazz"), ("B", "2"),
    ]  # fmt: skip
