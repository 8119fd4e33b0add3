from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from report.reports import HOSTILE, failed, summary, tagged

from tagger.domain import Status, TagChange
from tagger.errors import LockedError, UsageError
from tagger.report import logfile
from tagger.report.logfile import LogFile

REPOSITORY = Path(__file__).parents[2]
AT = "2025-06-03T02:10:00+02:00"
OLD_LINE = "2025-01-01T00:00:00+01:00 old\n"


@pytest.fixture(autouse=True)
def one_instant(monkeypatch) -> Iterator[None]:
    """Every record is made on a summer's night in Berlin."""
    make = logfile.makeLogRecord
    monkeypatch.setattr(logfile, "makeLogRecord", lambda d: make({**d, "created": 1748909400.7}))
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "genretag.log"


def lines(path: Path) -> list[str]:
    """The log's lines without their times, each checked to have one."""
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    found = text[:-1].split("\n")
    assert all(line.startswith(f"{AT} ") for line in found), found
    return [line.removeprefix(f"{AT} ") for line in found]


def old(path: Path, size: int) -> bytes:
    """A log of an earlier run."""
    data = (OLD_LINE * (size // len(OLD_LINE) + 1)).encode()
    path.write_bytes(data)
    return data


def test_a_run(path):
    with LogFile(path) as log:
        log.start(["genretag", "scan", "/my music", "--nice", "10"], "default 1.0.0", 1200)
        log.track(tagged())
        log.track(failed())
        log.track(tagged("/m/c.mp3", status=Status.SKIPPED, reason="too short", changes=()))
        log.track(tagged("/m/d.mp3", status=Status.UNCHANGED, changes=()))
        log.track(tagged("/m/e.mp3", status=Status.ABSTAINED, changes=()))
        own = (TagChange("GENRETAG_MODEL", ("a", "b"), ()),)
        log.track(tagged("/m/f.mp3", status=Status.ABSTAINED, changes=own))
        log.note("something beside")
        log.finish(summary())
    start, *rest = lines(path)
    assert start.startswith(
        "start: genretag scan '/my music' --nice 10: 1,200 tracks, model default 1.0.0, genretag "
    )
    assert rest == [
        "wrote: /music/a.mp3: GENRE Other; Misc -> Rock | "
        "GENRETAG_GENRES (none) -> Rock=0.83; Pop=0.17",
        "failed: /music/b.mp3: the file is empty",
        "skipped: /m/c.mp3: too short",
        "wrote: /m/f.mp3: GENRETAG_MODEL a; b -> (none)",
        "something beside",
        "end: 2 tracks in 0:04: 1 tagged, 1 failed, 1 file changed",
    ]


def test_a_dry_run_writes_nothing(path):
    with LogFile(path, dry_run=True) as log:
        log.track(tagged(status=Status.PROPOSED, changes=(TagChange("GENRE", (), ("Rock",)),)))
        log.finish(summary(dry_run=True, interrupted=True))
    assert lines(path) == [
        "would write: /music/a.mp3: GENRE (none) -> Rock",
        "interrupted: 2 tracks in 0:04: 1 tagged, 1 failed, 1 file would change",
    ]


def test_runs_are_appended(path):
    for text in ("one", "two"):
        with LogFile(path) as log:
            log.note(text)
    assert lines(path) == ["one", "two"]


def test_a_line_after_the_end(path):
    with LogFile(path) as log:
        log.finish(summary(tracks=0, changed=0, statuses={}))
        log.note("run 7")
    assert lines(path) == ["end: 0 tracks in 0:04: 0 files changed", "run 7"]


def test_the_error_that_ends_a_run(path):
    with pytest.raises(LockedError), LogFile(path):
        raise LockedError("another run is under way")
    with pytest.raises(KeyboardInterrupt), LogFile(path):
        raise KeyboardInterrupt
    with pytest.raises(SystemExit), LogFile(path):
        raise SystemExit(0)
    assert lines(path) == ["error: another run is under way", "interrupted"]


@pytest.mark.parametrize(("raw", "safe"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_one_line(path, raw, safe):
    with LogFile(path) as log:
        log.start(["genretag", raw], raw, 1)
        log.track(failed(f"/m/{raw}", raw))
        log.track(tagged(f"/m/{raw}", changes=(TagChange("GENRE", (raw,), (raw, raw)),)))
        log.note(raw)
    start, bad, wrote, note = lines(path)
    assert safe in start
    assert bad == f"failed: /m/{safe}: {safe}"
    assert wrote == f"wrote: /m/{safe}: GENRE {safe} -> {safe}; {safe}"
    assert note == safe


def test_what_is_not_utf8_and_what_looks_like_a_format(path):
    name = os.fsdecode(b"/m/caf\xe9 %s {0}.mp3")
    with LogFile(path) as log:
        log.start(["genretag", name], "m", 1)
        log.track(failed(name, "100 %d \udcff"))
    start, bad = lines(path)
    assert r"'/m/caf\xe9 %s {0}.mp3'" in start
    assert bad == r"failed: /m/caf\xe9 %s {0}.mp3: 100 %d \udcff"


def test_times_are_local_with_their_offset(path):
    LogFile(path).finish(summary())
    assert path.read_text().startswith("2025-06-03T02:10:00+02:00 end: ")


def test_a_line_is_there_as_soon_as_its_track_is_done(path):
    with LogFile(path) as log:
        log.track(tagged())
        assert lines(path)[0].startswith("wrote: ")


def test_a_long_log_is_put_aside_at_the_start(path):
    for run in range(6):
        data = old(path, 5_000_001)
        with LogFile(path) as log:
            log.note(f"run {run}")
        assert lines(path) == [f"run {run}"]
        assert path.with_name("genretag.log.1").read_bytes() == data
    names = ["genretag.log", "genretag.log.1", "genretag.log.2", "genretag.log.3"]
    assert sorted(p.name for p in path.parent.iterdir()) == names


def test_each_keeps_its_turn(path, monkeypatch):
    monkeypatch.setattr(logfile, "_MOST_BYTES", 10)
    for run in range(6):
        with LogFile(path) as log:
            log.note(f"run {run}")
    found = [lines(path.with_name(f"genretag.log{n}")) for n in ("", ".1", ".2", ".3")]
    assert found == [["run 5"], ["run 4"], ["run 3"], ["run 2"]]


def test_a_log_is_not_put_aside_before_or_amid_a_run(path):
    old(path, 4_990_000)
    with LogFile(path) as log:
        for _ in range(100):
            log.note("x" * 1000)
    assert path.stat().st_size > 5_000_000
    assert [p.name for p in path.parent.iterdir()] == ["genretag.log"]


def test_a_linked_log_is_put_aside_where_it_is(path, tmp_path):
    (tmp_path / "logs").mkdir()
    real = tmp_path / "logs" / "real.log"
    old(real, 5_000_001)
    path.symlink_to(real)
    with LogFile(path) as log:
        log.note("new")
    assert path.is_symlink()
    assert lines(path) == lines(real) == ["new"]
    assert (tmp_path / "logs" / "real.log.1").stat().st_size > 5_000_000


def test_a_log_that_cannot_be_put_aside_grows_on(path, monkeypatch):
    data = old(path, 5_000_001)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "rename", refuse)
    with LogFile(path) as log:
        log.note("new")
    assert path.read_bytes() == data + f"{AT} new\n".encode()


def test_a_torn_line_is_ended(path):
    path.write_text(f"{OLD_LINE}2025-01-01T00:00:")
    with LogFile(path) as log:
        log.note("new")
    assert path.read_text() == f"{OLD_LINE}2025-01-01T00:00:\n{AT} new\n"


def test_music_is_no_log(path):
    for data in (b"ID3\x04" + bytes(5000), b"fLaC", b"some text\nof the user\n", b"\n"):
        path.write_bytes(data)
        with pytest.raises(UsageError, match=r"is no log of genretag; name another file$"):
            LogFile(path)
        assert path.read_bytes() == data


def test_a_log_whose_beginning_was_cut_off_is_one(path):
    path.write_text(f"rest of a line\n{OLD_LINE}")
    with LogFile(path) as log:
        log.note("new")
    assert path.read_text().endswith(f"{OLD_LINE}{AT} new\n")


def test_what_cannot_be_written_is_refused(tmp_path):
    for path, why in [(tmp_path, "Is a directory"), (tmp_path / "a/b.log", "No such file")]:
        with pytest.raises(UsageError, match=f"--log {path}: cannot be written: {why}"):
            LogFile(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_does_not_stop_the_run(path, capfd):
    path.symlink_to("/dev/full")
    with LogFile(path) as log:
        for _ in range(3):
            log.track(failed())
        log.finish(summary())
        log.note("after the end")
    out, err = capfd.readouterr()
    assert not out
    assert err == (
        f"genretag: --log {path}: cannot be written: No space left on device; "
        "the run goes on without it\n"
    )


def test_what_is_lost_at_the_end_is_said(path, capfd, monkeypatch):
    def quota(handler: object) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    log = LogFile(path)
    with monkeypatch.context() as patched:
        patched.setattr(logfile.RotatingFileHandler, "close", quota)
        log.finish(summary())
    log.note("not written")
    log.finish(summary())
    assert len(lines(path)) == 1
    assert capfd.readouterr().err.count("Disk quota exceeded; the run goes on without it") == 1


def test_a_fault_of_ours_is_not_hidden(path, monkeypatch):
    def fault(*_: object) -> str:
        raise KeyError("ours")

    with LogFile(path) as log:
        monkeypatch.setattr(logfile._Handler, "format", fault)
        with pytest.raises(KeyError):
            log.note("x")


def test_a_killed_run_leaves_whole_lines(path):
    job = (
        "import sys, itertools; from pathlib import Path\n"
        "from tagger.report.logfile import LogFile\n"
        "log = LogFile(Path(sys.argv[1]))\n"
        "for i in itertools.count(): log.note(f'{i} {i * 7919 % 9000 * chr(120)}')\n"
    )
    instants = random.Random(3)
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    for _ in range(4):
        before = path.stat().st_size if path.exists() else 0
        with subprocess.Popen([sys.executable, "-c", job, path], env=env) as writer:
            while not path.exists() or path.stat().st_size < before + 20_000:
                time.sleep(0.001)
            time.sleep(instants.uniform(0, 0.02))
            writer.kill()
        assert writer.returncode == -signal.SIGKILL
    lines = [[*line.split(" "), "", ""][1:3] for line in path.read_text().splitlines()]
    begins = [i for i, (number, _) in enumerate(lines) if number == "0"]
    assert len(begins) == 4
    for start, stop in pairwise([*begins, len(lines)]):
        *whole, (number, text) = lines[start:stop]
        assert [n for n, _ in whole] == [str(n) for n in range(len(whole))]
        assert [len(t) for _, t in whole] == [n * 7919 % 9000 for n in range(len(whole))]
        # The last line of a run may be torn, and ends all the same.
        assert str(len(whole)).startswith(number)
        assert len(text) <= len(whole) * 7919 % 9000
