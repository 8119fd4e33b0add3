"""What is recalled is of the file that is there now, and nothing wrong is remembered."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest
import synth

from tagger.domain import Policy, Status
from tagger.engine.base import Failure
from tagger.engine.pool import WorkerDiedError
from tagger.errors import AudioError, NotMusicError, UnreachableError
from tagger.library.cache import Cache, Problem
from tagger.workflows.config import load_config
from tagger.workflows.recall import Recall, Recalled, anchored
from tagger.workflows.scan import Scan, ScanOptions
from tagger.workflows.undo import Undo
from tagger.workflows.worker import Track


def track_of(path: Path) -> Track:
    status = path.stat()
    return Track(str(path), status.st_size, status.st_mtime_ns)


@pytest.fixture
def recall(tmp_path):
    with Cache.open(tmp_path / "cache") as cache:
        yield Recall(cache, listening=b"l" * 16, decision=b"d" * 16)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (UnreachableError("cannot be opened: Stale file handle"), False),
        (OSError(5, "Input/output error"), False),
        (RuntimeError("a bug"), False),
        (AudioError("damaged"), True),
        (NotMusicError("silent"), True),
        (WorkerDiedError("crashed"), True),
    ],
)
def test_what_is_worth_being_remembered(recall, tmp_path, error, kept):
    path = tmp_path / "a.mp3"
    path.write_bytes(b"no music" * 100)
    assert recall.ready(track_of(path)) is None
    recall.keep(track_of(path), Failure(error))
    recall.is_what_was_heard(track_of(path), None)
    found = recall.ready(track_of(path))
    assert (isinstance(found, Recalled) and isinstance(found.outcome, Problem)) is kept


def test_a_failure_of_a_file_that_changed_meanwhile_is_not_kept(recall, tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(b"half a copy")
    track = track_of(path)
    assert recall.ready(track) is None
    path.write_bytes(b"the whole copy, which is longer")
    recall.keep(track, Failure(AudioError("damaged")))
    recall.is_what_was_heard(track, None)
    assert recall.ready(track_of(path)) is None


def test_a_path_is_what_the_system_takes_it_for(tmp_path, monkeypatch):
    (tmp_path / "other/deep").mkdir(parents=True)
    (tmp_path / "base").mkdir()
    (tmp_path / "base/link").symlink_to("../other/deep")
    monkeypatch.chdir(tmp_path / "base")
    assert anchored("link/../x.flac") == f"{tmp_path}/other/x.flac"
    assert anchored("./link//x.flac") == f"{tmp_path}/base/link/x.flac"
    assert anchored("x.flac") == f"{tmp_path}/base/x.flac"


# Whole scans, in this process.

ALWAYS = {"policy": Policy.OVERWRITE, "jobs": 1, "each": True}


def song(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return synth.write(path, synth.song(3.6, 22_050, seed=seed), 22_050)


def scanned(*paths: Path, **options):
    scan = Scan(ScanOptions(paths, **{**ALWAYS, **options}), load_config())
    return {report.path.name: report for report in scan.reports()}


def heard_alone(path: Path):
    (report,) = scanned(path, dry_run=True, rescan=True).values()
    return report.genres


@pytest.mark.parametrize("rescan", [False, True])
def test_a_file_that_is_replaced_after_the_survey(tmp_path, rescan):
    path, other = song(tmp_path / "m/x.flac", 1), song(tmp_path / "other.flac", 5)
    genres = heard_alone(path), heard_alone(other)
    assert genres[0] != genres[1]
    scanned(path)
    options = ScanOptions((path,), **ALWAYS, min_confidence=0.0, rescan=rescan)
    scan = Scan(options, load_config())
    Path(shutil.copyfile(other, tmp_path / "new")).replace(path)
    (report,) = scan.reports()
    assert report.status is Status.TAGGED
    assert dict(report.genres) == pytest.approx(dict(genres[1]), abs=1e-4)
    (report,) = scanned(path, min_confidence=0.0).values()
    assert dict(report.genres) == pytest.approx(dict(genres[1]), abs=1e-4)


def test_undone_files_are_looked_at_again_whatever_their_dates(tmp_path):
    paths = [song(tmp_path / f"m/{i}.flac", i) for i in range(2)]
    # Too unsure of any genre; makes the room in which the next tags fit.
    scanned(*paths, min_confidence=1.0)
    options = {"mtime": "preserve", "min_confidence": 0.0, "max_genres": 2}
    changed = scanned(*paths, **options)
    assert {r.status for r in changed.values()} == {Status.TAGGED}
    assert {r.outcome for r in scanned(*paths, **options).values()} == {"as before"}
    with closing(Undo(None, dry_run=False, in_place=False).reports()) as restored:
        assert len(list(restored)) == 2
    again = scanned(*paths, **options)
    assert {r.status for r in again.values()} == {Status.TAGGED}
    assert [r.changes for r in again.values()] == [r.changes for r in changed.values()]


def test_a_time_limit_does_not_cut_an_album(tmp_path):
    for album in ("one", "two"):
        for i in range(3):
            song(tmp_path / "m" / album / f"{i}.flac", i)
    options = ScanOptions(
        (tmp_path / "m",), **ALWAYS, consistent="album", time_limit_s=0.0, dry_run=True
    )
    scan = Scan(options, load_config())
    assert len(list(scan.reports())) == 3
    assert scan.left == 3


def test_a_link_and_dots_lead_to_the_right_file(tmp_path, monkeypatch):
    (tmp_path / "other/deep").mkdir(parents=True)
    one, two = song(tmp_path / "base/x.flac", 1), song(tmp_path / "other/x.flac", 5)
    (tmp_path / "base/link").symlink_to("../other/deep")
    genres = {path: heard_alone(path) for path in (one, two)}
    monkeypatch.chdir(tmp_path / "base")
    (report,) = scanned(Path("link/.."), dry_run=True).values()
    assert dict(report.genres) == pytest.approx(dict(genres[two]), abs=1e-4)
    (report,) = scanned(Path("x.flac"), dry_run=True).values()
    assert dict(report.genres) == pytest.approx(dict(genres[one]), abs=1e-4)
