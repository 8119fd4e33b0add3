from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library.journal_writers import replacement

from tagger.domain import Replacement, TagChange
from tagger.errors import TagError, UsageError
from tagger.library import journal as journal_module
from tagger.library import journal_file
from tagger.library.journal import JOURNAL, Entry, Journal, State

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def journal(tmp_path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as journal:
        yield journal


def begun(journal: Journal, count: int, *, path: Path | None = None) -> tuple[int, list[int]]:
    """A run, and entries that took place."""
    run = journal.begin("scan", "model 1", "0.9")
    entries = [journal.record(run, replacement(i, path)) for i in range(count)]
    for entry in entries:
        journal.confirm(entry)
    return run, entries


def states(folder: Path) -> dict[int, int]:
    """What is on the disk, as another program sees it: entry and state."""
    with closing(sqlite3.connect(folder / JOURNAL)) as db:
        return dict(db.execute("SELECT number, state FROM entry"))


def writer(*arguments: object) -> subprocess.Popen[str]:
    """A process of :mod:`library.journal_writers`."""
    return subprocess.Popen(
        [sys.executable, "-m", "library.journal_writers", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def one_line(error: type[Exception], *parts: str) -> Iterator[None]:
    """The block must raise this error, with one line that holds these parts."""
    with pytest.raises(error) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


# What is kept


changes = st.lists(
    st.builds(
        TagChange,
        st.text(min_size=1, max_size=8),
        # Surrogates, too, alone and in pairs: what a damaged tag may decode to.
        *[st.lists(st.text("aé\0\ud83d\ude00\udc80", max_size=4), max_size=3).map(tuple)] * 2,
    ),
    max_size=3,
).map(tuple)
replacements = st.builds(
    Replacement,
    path=st.binary(min_size=1, max_size=40)
    .filter(lambda name: b"\0" not in name and b"/" not in name)
    .map(lambda name: Path("/music", os.fsdecode(name))),
    changes=changes,
    undo=st.binary(max_size=60),
    state_before=st.binary(min_size=16, max_size=16),
    state_after=st.binary(min_size=16, max_size=16),
    mtime_before_ns=st.integers(-(1 << 70), 1 << 70),
)


@settings(derandomize=True, max_examples=20, deadline=None)
@given(st.lists(replacements, max_size=4))
def test_what_was_recorded_comes_back(kept):
    with tempfile.TemporaryDirectory() as folder:
        with Journal.open(Path(folder)) as journal:
            run = journal.begin("scan", "model", "1")
            numbers = [journal.record(run, one) for one in kept]
        with Journal.open(Path(folder), create=False) as journal:
            found = list(journal.entries(run))
    assert found == [
        Entry(number, run, State.PENDING, one)
        for number, one in zip(reversed(numbers), reversed(kept), strict=True)
    ]


def test_runs_are_numbered_and_timed(journal):
    before = datetime.now(UTC) - timedelta(seconds=1)
    first, _ = begun(journal, 2)
    second = journal.begin("apply", "other", "1.0")
    journal.finish(first)
    new, old = journal.runs()
    assert [(r.number, r.command, r.model, r.version) for r in (old, new)] == [
        (1, "scan", "model 1", "0.9"),
        (2, "apply", "other", "1.0"),
    ]
    assert (first, second) == (1, 2)
    assert old.finished is not None
    assert before <= old.started <= old.finished <= datetime.now(UTC)
    assert (old.alive, old.written, old.undone) == (False, 2, 0)
    assert new.finished is None
    assert (new.alive, new.written, new.undone) == (True, 0, 0)


def test_a_record_is_there_for_others_when_it_returns(journal, tmp_path):
    run = journal.begin("scan", "model", "1")
    entry = journal.record(run, replacement(1))
    assert states(tmp_path) == {entry: State.PENDING}


def test_every_commit_is_synced(tmp_path):
    Journal.open(tmp_path).close()
    with closing(journal_file.connect(tmp_path / JOURNAL, write=False)) as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_marks_go_with_the_next_record(journal, tmp_path):
    run = journal.begin("scan", "model", "1")
    one, two = journal.record(run, replacement(1)), journal.record(run, replacement(2))
    journal.confirm(one)
    journal.withdraw(two)
    assert states(tmp_path) == {one: State.PENDING, two: State.PENDING}
    three = journal.record(run, replacement(3))
    assert states(tmp_path) == {one: State.DONE, two: State.WITHDRAWN, three: State.PENDING}


@pytest.mark.parametrize("end", [Journal.close, lambda journal: journal.finish(1)])
def test_marks_go_with_the_end(tmp_path, end):
    with Journal.open(tmp_path) as journal:
        _, (entry,) = begun(journal, 1)
        end(journal)
        assert states(tmp_path) == {entry: State.DONE}


def test_what_did_not_take_place_is_not_listed(journal):
    run, entries = begun(journal, 2)
    vain = journal.record(run, replacement(9))
    for look in (lambda: None, lambda: journal.finish(run)):
        journal.withdraw(vain)
        look()
        assert [entry.number for entry in journal.entries(run)] == entries[::-1]
        assert list(journal.unresolved()) == []
    assert journal.runs()[0].written == 2


def test_a_state_only_grows(tmp_path, journal):
    """A note that comes late, from whoever it may be, does not take back a later one."""
    run, (undone, revived) = begun(journal, 2)
    with Journal.open(tmp_path) as other:
        other.undone(undone)
        other.withdraw(revived)
    journal.finish(run)
    assert states(tmp_path) == {undone: State.UNDONE, revived: State.DONE}
    journal.undone(revived)
    journal.confirm(revived)
    assert {entry.state for entry in journal.entries(run)} == {State.UNDONE}


# Undo


def test_entries_come_newest_first_while_they_are_marked(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "_PAGE", 7)
    monkeypatch.setattr(journal_module, "_BATCH", 10)
    with Journal.open(tmp_path) as journal:
        run, entries = begun(journal, 50)
        other, (_, foreign) = begun(journal, 2)
        seen = []
        for entry in journal.entries(run):
            assert (entry.state, entry.replacement) == (
                State.DONE,
                replacement(len(entries) - len(seen) - 1),
            )
            journal.undone(entry.number)
            seen.append(entry.number)
            if len(seen) == 25:  # a kill here would cost less than a batch
                on_disk = [n for n, state in states(tmp_path).items() if state == State.UNDONE]
                assert sorted(on_disk) == sorted(seen[: len(on_disk)])
                assert 15 < len(on_disk) < 25
        assert seen == entries[::-1]
        assert {entry.state for entry in journal.entries(run)} == {State.UNDONE}
        assert [(r.number, r.written, r.undone) for r in journal.runs()] == [
            (other, 2, 0),
            (run, 0, 50),
        ]
        journal.undone(foreign)
    assert states(tmp_path)[foreign] == State.UNDONE


def test_the_last_run_that_can_be_undone(journal):
    assert journal.last_undoable() is None
    first, of_first = begun(journal, 2)
    second, of_second = begun(journal, 1)
    journal.begin("scan", "model", "1")
    found = []
    for entry in (*of_second, *of_first):
        found.append(journal.last_undoable())
        journal.undone(entry)
    assert found == [second, first, first]
    assert journal.last_undoable() is None


def test_a_later_run_over_the_same_file(journal):
    path = Path("/music/ä.flac")
    first, (one,) = begun(journal, 1, path=path)
    second, (two, three) = begun(journal, 2, path=path)
    _, (vain,) = begun(journal, 1, path=path)
    begun(journal, 1, path=Path("/music/ä.flac/else"))
    journal.withdraw(vain)
    assert journal.later_run(path, three) == journal.runs()[1].number  # was confirmed first
    journal.undone(vain)
    assert [journal.later_run(path, entry) for entry in (one, two, three)] == [second, second, None]
    journal.undone(three)
    assert journal.later_run(path, one) == second
    journal.undone(two)
    assert journal.later_run(path, one) is None
    assert journal.later_run(Path("/music/other"), 0) is None
    assert journal.later_run(path, 0) == first


# What a crash leaves


def test_what_is_open_after_a_run_is_to_be_resolved(journal):
    run = journal.begin("scan", "model", "1")
    entries = [journal.record(run, replacement(i)) for i in range(4)]
    journal.confirm(entries[1])
    assert list(journal.unresolved()) == []  # under way
    journal.finish(run)
    assert [entry.number for entry in journal.unresolved()] == [entries[i] for i in (3, 2, 0)]
    for entry in journal.unresolved():
        (journal.confirm if entry.replacement == replacement(2) else journal.withdraw)(entry.number)
    assert list(journal.unresolved()) == []
    assert [entry.number for entry in journal.entries(run)] == [entries[2], entries[1]]


def test_a_run_lives_as_long_as_its_process(journal, tmp_path):
    process = writer("stay", tmp_path)
    try:
        run, entry = map(int, process.stdout.readline().split())
        assert [(r.number, r.alive) for r in journal.runs()] == [(run, True)]
        assert list(journal.unresolved()) == []
        process.kill()
        process.wait()
        assert [(e.number, e.run) for e in journal.unresolved()] == [(entry, run)]
        assert [(r.number, r.alive, r.finished) for r in journal.runs()] == [(run, False, None)]
    finally:
        process.kill()
        process.communicate()
    assert list(tmp_path.glob("*.lock")) == []


def test_a_journal_closed_amid_a_run_leaves_it_cut_off(tmp_path):
    def cut_off() -> None:
        with Journal.open(tmp_path) as journal:
            begun(journal, 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    with Journal.open(tmp_path) as journal:
        (run,) = journal.runs()
        assert (run.finished, run.alive, run.written) == (None, False, 1)
    assert states(tmp_path) == {1: State.DONE}


def test_killed_writers_lose_nothing_that_they_had_recorded(tmp_path):
    process = writer("killed", tmp_path, 30)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    reports = [list(map(int, line.split()[1:])) for line in out.splitlines()]
    assert len(reports) == 30
    assert sum(map(len, reports)) > 60  # else they were killed before they did anything
    with Journal.open(tmp_path) as journal:
        pending = set()
        for run, *entries in filter(None, reports):
            kept = list(journal.entries(run))[::-1]
            numbers = [entry.number for entry in kept]
            assert numbers[: len(entries)] == entries
            assert len(numbers) <= len(entries) + 1  # one may have been killed as it returned
            assert [e.replacement for e in kept] == [
                replacement(10_000 * run + i) for i in range(len(kept))
            ]
            assert {entry.state for entry in kept[:-1]} <= {State.DONE}
            pending |= {entry.number for entry in kept[-1:]}
        assert {entry.number for entry in journal.unresolved()} == pending
        assert not any(run.alive for run in journal.runs())
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_processes_do_not_disturb_one_another(tmp_path):
    processes = [writer("record", tmp_path, 60) for _ in range(3)]
    for process in processes:
        process.stdout.readline()
    for process in processes:  # all at once, and none finds a journal
        process.stdin.write("go\n")
        process.stdin.flush()
    outs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    written = {int(out.split()[0]): list(map(int, out.split()[1:])) for out in outs}
    assert sorted(written) == [1, 2, 3]
    with Journal.open(tmp_path) as journal:
        for run, entries in written.items():
            kept = list(journal.entries(run))[::-1]
            assert [entry.number for entry in kept] == entries
            assert [e.replacement for e in kept] == [replacement(1000 * run + i) for i in range(60)]
        assert [(r.written, r.alive, bool(r.finished)) for r in journal.runs()] == [
            (60, False, True)
        ] * 3
        assert list(journal.unresolved()) == []
    assert list(tmp_path.iterdir()) == [tmp_path / JOURNAL]


# The file


def test_it_is_for_the_owner_alone(tmp_path):
    umask = os.umask(0)
    try:
        with Journal.open(tmp_path) as journal:
            begun(journal, 1)
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    finally:
        os.umask(umask)
    names = (JOURNAL, f"{JOURNAL}-wal", f"{JOURNAL}-shm", "run-1.lock")
    assert modes == dict.fromkeys(names, 0o600)


def test_looking_creates_nothing(tmp_path):
    with Journal.open(tmp_path / "none", create=False) as journal:
        assert journal.runs() == []
    with Journal.open(tmp_path, create=False) as journal:
        assert (journal.runs(), journal.last_undoable()) == ([], None)
        assert [*journal.entries(1), *journal.unresolved()] == []
        assert journal.later_run(Path("/x"), 0) is None
        with one_line(UsageError, "read-only"):
            journal.begin("scan", "model", "1")
    assert list(tmp_path.iterdir()) == []


def made(folder: Path) -> Path:
    """A journal of 300 entries that is closed."""
    with Journal.open(folder) as journal:
        run, _ = begun(journal, 300)
        journal.finish(run)
    return folder / JOURNAL


def garbage(path: Path) -> None:
    path.write_bytes(b"genretag" * 1000)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    os.truncate(path, 40_000)


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE run (number INTEGER PRIMARY KEY)")


def without_a_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE entry")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 2")


@pytest.mark.parametrize("create", [True, False], ids=["to write", "to read"])
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (garbage, "it is damaged; restore"),
        (emptied, "not a journal of genretag"),
        (cut_short, "it is damaged; restore"),
        (foreign, "not a journal of genretag"),
        (without_a_table, "it is damaged; restore"),
        (newer, "update genretag"),
    ],
)
def test_what_is_no_sound_journal_is_left_alone(tmp_path, harm, words, create):
    path = made(tmp_path)
    harm(path)
    harmed = path.read_bytes()
    with one_line(UsageError, words, str(path)):
        Journal.open(tmp_path, create=create)
    assert path.read_bytes() == harmed


@pytest.mark.parametrize("create", [True, False], ids=["to write", "to read"])
def test_a_log_without_its_journal_is_left_alone(tmp_path, create):
    (tmp_path / f"{JOURNAL}-wal").write_bytes(b"entries")
    with one_line(UsageError, str(tmp_path / JOURNAL), "is gone", "restore"):
        Journal.open(tmp_path, create=create)
    assert list(tmp_path.iterdir()) == [tmp_path / f"{JOURNAL}-wal"]


@pytest.mark.parametrize(
    "column",
    ["state = 9", "changes = '[1]'", "changes = x'ff'", "path = 3", "mtime_s = 'x'", "undo = 'x'"],
)
def test_an_entry_that_makes_no_sense(tmp_path, column):
    path = made(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"UPDATE entry SET {column} WHERE number = 5")
        db.commit()
    with Journal.open(tmp_path) as journal, one_line(UsageError, "is damaged", str(path)):
        list(journal.entries(1))


def test_damage_in_the_middle_is_told_when_it_is_met(tmp_path):
    path = made(tmp_path)
    data = bytearray(path.read_bytes())
    data[80_000:120_000] = bytes(40_000)
    path.write_bytes(data)
    with Journal.open(tmp_path) as journal, one_line(UsageError, "is damaged", str(path)):
        list(journal.entries(1))


def test_a_run_that_makes_no_sense(tmp_path):
    path = made(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE run SET started = 'yesterday'")
        db.commit()
    with Journal.open(tmp_path) as journal, one_line(UsageError, "is damaged", str(path)):
        journal.runs()


# What the system does not allow


def test_a_full_disk(tmp_path, monkeypatch):
    pages = {"most": 40}

    def on_a_small_disk(path: Path, *, write: bool) -> sqlite3.Connection:
        db = connect(path, write=write)
        db.execute(f"PRAGMA max_page_count = {pages['most']}")
        return db

    connect = journal_module.connect
    monkeypatch.setattr(journal_module, "connect", on_a_small_disk)
    recorded = []
    with Journal.open(tmp_path) as journal:
        run = journal.begin("scan", "model", "1")
        with one_line(TagError, "cannot be written: the disk is full", str(tmp_path)):
            for i in range(1000):
                recorded.append(journal.record(run, replacement(i)))
                journal.confirm(recorded[-1])
    assert len(recorded) > 10
    pages["most"] = 1000
    with Journal.open(tmp_path) as journal:
        assert [e.number for e in journal.entries(run)] == recorded[::-1]
        assert {e.state for e in journal.entries(run)} == {State.DONE}
        begun(journal, 5)


def test_a_journal_that_somebody_else_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_file, "_BUSY_S", 0.05)
    path = made(tmp_path)
    with Journal.open(tmp_path) as journal, closing(sqlite3.connect(path)) as other:
        run = journal.begin("scan", "model", "1")
        other.execute("BEGIN IMMEDIATE")
        with one_line(TagError, "another program holds", "run again"):
            journal.record(run, replacement(1))
        with one_line(UsageError, "another program holds"):
            journal.begin("scan", "model", "1")
        other.rollback()
        assert journal.record(run, replacement(1)) == 301


def test_a_record_that_fails_leaves_nothing_half(journal, tmp_path):
    run, (entry,) = begun(journal, 1)
    with pytest.raises(TagError):
        journal.record(run + 1, replacement(1))  # no such run
    assert states(tmp_path) == {entry: State.PENDING}
    following = journal.record(run, replacement(2))
    assert states(tmp_path) == {entry: State.DONE, following: State.PENDING}


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder may be read but not written, by root neither."""
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach, unlike ``tmp_path``."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_read_only_folder(open_folder):
    with read_only(open_folder), one_line(UsageError, "cannot be created", str(open_folder)):
        Journal.open(open_folder)
    made(open_folder).chmod(0o444)
    with read_only(open_folder), one_line(UsageError, "cannot be opened", str(open_folder)):
        Journal.open(open_folder)


def test_a_read_only_journal(open_folder):
    made(open_folder).chmod(0o444)
    with Journal.open(open_folder) as keeps_log_and_memory:
        for path in open_folder.iterdir():
            path.chmod(0o444)
        with read_only(open_folder), one_line(UsageError, "cannot be opened", str(open_folder)):
            Journal.open(open_folder)
        assert keeps_log_and_memory.last_undoable() == 1


def test_no_folder(tmp_path):
    with one_line(UsageError, "cannot be created: no such file or directory", str(tmp_path)):
        Journal.open(tmp_path / "none")


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_an_error_on_its_way_is_not_hidden_by_one_at_the_end(tmp_path, monkeypatch, error):
    monkeypatch.setattr(journal_file, "_BUSY_S", 0.05)

    def work(other: sqlite3.Connection) -> None:
        with Journal.open(tmp_path) as journal:
            journal.undone(1)
            other.execute("BEGIN IMMEDIATE")  # so that the mark cannot be written
            if error:
                raise error

    with closing(sqlite3.connect(made(tmp_path))) as other, pytest.raises(error or UsageError):
        work(other)
