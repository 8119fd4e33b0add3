"""Names that are made to mean something else between a look and a deed."""

from __future__ import annotations

import os

import pytest
import synth
from cli.running import genretag_here

from tagger.domain import Status, TagChange, TrackReport
from tagger.errors import TagError, TagsRefusedError
from tagger.library.identity import payload_digest_of
from tagger.report.plan import PlanWriter
from tagger.tags import replace, writer
from tagger.tags.read import read_tags
from tagger.tags.writer import WriteSettings, restore, write_changes
from tagger.workflows.tally import Tally

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and owners as POSIX has them")

CHANGES = (TagChange("GENRE", (), ("Rock",)),)
OUTSIDE = "it lies outside of the folder that was named"


def test_a_link_in_the_place_of_the_copy_gets_no_owner_and_no_mode(tmp_path, monkeypatch):
    """Who may write to the folder puts a link there as soon as the copy has its name."""
    song = synth.write(tmp_path / "a.flac", synth.song(1.0))
    song.chmod(0o666)
    before = song.read_bytes()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    victim.chmod(0o600)
    os.utime(victim, ns=(1, 1))
    build = replace.build

    def swap(original, copy, edits, size):
        touched = build(original, copy, edits, size)
        (name,) = tmp_path.glob(".genretag-*.tmp")
        name.unlink()
        name.symlink_to(victim)
        return touched

    monkeypatch.setattr(replace, "build", swap)
    with pytest.raises(TagError, match="changed while it was being tagged"):
        write_changes(song, CHANGES, payload_digest=payload_digest_of)
    status = victim.stat()
    assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o600, 1)
    assert victim.read_text() == "precious"
    assert song.read_bytes() == before
    assert not song.is_symlink()


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return synth.write(tmp_path_factory.mktemp("sound") / "a.flac", synth.song(1.0)).read_bytes()


@pytest.fixture
def album(tmp_path, sound):
    """A song in a folder in a folder, and the same song elsewhere under the same name."""
    for folder in (tmp_path / "music" / "album", tmp_path / "elsewhere" / "album"):
        folder.mkdir(parents=True)
        (folder / "a.flac").write_bytes(sound)
    return tmp_path / "music" / "album"


def swapped(folder):
    """A folder is moved away, and a link to its like elsewhere put in its place."""
    moved = folder.with_name("moved")
    folder.rename(moved)
    folder.symlink_to(folder.parents[folder.parts[::-1].index("music")] / "elsewhere" / folder.name)
    return moved


def write(song, **settings):
    write_changes(
        song, CHANGES, payload_digest=payload_digest_of, settings=WriteSettings(**settings)
    )


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("moment", ["before the file is opened", "before it is replaced"])
def test_a_folder_that_becomes_a_link_to_elsewhere(album, sound, monkeypatch, moment, in_place):
    """The write goes into the folder that was looked at, or nowhere; never where a link leads."""
    song, moved = album / "a.flac", []
    module, name = {
        "before the file is opened": (writer, "refuse_unwritable"),
        "before it is replaced": (writer, "_carry_out"),
    }[moment]
    last = getattr(module, name)

    def swap(*args, **kwargs):
        if moment == "before it is replaced":
            moved.append(swapped(album))
        last(*args, **kwargs)
        if not moved:
            moved.append(swapped(album))

    monkeypatch.setattr(module, name, swap)
    if moment == "before the file is opened":
        with pytest.raises(TagError, match="changed while it was being tagged"):
            write(song, in_place=in_place)
        assert (moved[0] / "a.flac").read_bytes() == sound
    else:
        write(song, in_place=in_place)
        assert (moved[0] / "a.flac").read_bytes() != sound
    elsewhere = album.parents[1] / "elsewhere" / "album"
    assert (elsewhere / "a.flac").read_bytes() == sound
    assert [path.name for path in elsewhere.iterdir()] == ["a.flac"]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_became_a_link_since_the_walk(album, sound, what):
    song, elsewhere = album / "a.flac", album.parents[1] / "elsewhere" / "album"
    if what == "folder":
        swapped(album)
    else:
        song.unlink()
        song.symlink_to(elsewhere / "a.flac")
    with pytest.raises(TagsRefusedError, match="outside of the folder that was named"):
        write(song, within=(album.parent,))
    assert (elsewhere / "a.flac").read_bytes() == sound


def test_a_link_within_the_library_is_followed(album, sound):
    link = album / "b.flac"
    link.symlink_to("a.flac")
    write(link, within=(album.parent,))
    assert (album / "a.flac").read_bytes() != sound
    assert link.is_symlink()


def test_an_undo_goes_where_no_link_leads(album, monkeypatch):
    song, kept = album / "a.flac", []

    class Recorded:
        def __init__(self, replacement):
            kept.append(replacement)

        def __enter__(self):
            return None

        def __exit__(self, *error):
            return None

    write_changes(song, CHANGES, payload_digest=payload_digest_of, recorded=Recorded)
    tagged = song.read_bytes()
    (album.parents[1] / "elsewhere" / "album" / "a.flac").write_bytes(tagged)
    held = writer.held

    def swap(real):
        swapped(album)
        return held(real)

    monkeypatch.setattr(writer, "held", swap)
    with pytest.raises(TagError, match="changed while it was being tagged"):
        restore(kept[0])
    assert (album.parents[1] / "elsewhere" / "album" / "a.flac").read_bytes() == tagged


@pytest.fixture
def swap_late(album, monkeypatch):
    """The folder becomes a link when the walk is long over and its track's turn comes."""
    from tagger.workflows import scan

    last = scan.write_changes

    def swap(*args, **kwargs):
        swapped(album)
        last(*args, **kwargs)

    monkeypatch.setattr(scan, "write_changes", swap)


def test_a_scan_writes_below_the_folder_that_was_named(album, swap_late):
    from tagger.workflows.config import Config
    from tagger.workflows.scan import Scan, ScanOptions

    elsewhere = album.parents[1] / "elsewhere" / "album" / "a.flac"
    heard = synth.write(album / "a.flac", synth.song(4.0)).read_bytes()
    elsewhere.write_bytes(heard)
    os.utime(elsewhere, ns=(0, (album / "a.flac").stat().st_mtime_ns))  # as the walk saw it
    (report,) = Scan(ScanOptions((album.parent,), jobs=1), Config()).reports()
    assert (report.status, report.reason) == (Status.SKIPPED, OUTSIDE)
    assert elsewhere.read_bytes() == heard


def planned(folder, *songs):
    """A plan that somebody else made."""
    path = folder / "plan.jsonl"
    writer = PlanWriter(path, "m", 4)
    for song in songs:
        state = read_tags(song).file
        writer.track(TrackReport(song, Status.PROPOSED, changes=CHANGES, file=state))
    writer.finish(Tally(model="m", dry_run=True).summary(interrupted=False))
    return path


def test_a_plan_says_where_it_writes_and_can_be_bounded(album, sound):
    elsewhere = album.parents[1] / "elsewhere" / "album" / "a.flac"
    plan = planned(album.parents[1], album / "a.flac", elsewhere)
    run = genretag_here("apply", plan, "--in", album.parent)
    assert f"all below {album.parents[1]}" in run.stderr
    assert OUTSIDE in run.stdout
    assert (album / "a.flac").read_bytes() != sound
    assert elsewhere.read_bytes() == sound


def test_a_plan_through_a_link(album, sound):
    """Below the folder by its name, elsewhere by where that leads."""
    plan = planned(album.parents[1], album / "a.flac")
    swapped(album)
    elsewhere = album / "a.flac"
    os.utime(elsewhere, ns=(0, (album.with_name("moved") / "a.flac").stat().st_mtime_ns))
    assert OUTSIDE in genretag_here("apply", plan, "--in", album.parent).stdout
    assert elsewhere.read_bytes() == sound


def test_apply_in_no_folder(album):
    plan = planned(album.parents[1], album / "a.flac")
    run = genretag_here("apply", plan, "--in", album / "missing", code=2)
    assert run.stderr == f"genretag: --in {album / 'missing'}: no such folder\n"
