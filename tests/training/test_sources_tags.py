from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from training.labelled_samples import track

from tagger.domain import Replacement, TagChange
from tagger.library.folders import state_folder
from tagger.library.journal import JOURNAL, Journal
from tagger.models.vocabulary import Vocabulary
from tagger.training.examples import Labelled
from tagger.training.sources_folders import audio_files
from tagger.training.sources_tags import read_library

Read = Callable[..., Labelled]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reading(vocabulary: Vocabulary | None = None, *, parents=None, seed: int = 0) -> Labelled:
        files, _ = audio_files(tmp_path)
        return read_library(tmp_path, files, vocabulary or Vocabulary(), parents, seed)

    return reading


def labels(found: Labelled) -> dict[str, str]:
    return {example.path.stem: example.genre for example in found.examples}


def test_words_become_top_level_genres(tmp_path: Path, read: Read) -> None:
    words: dict[str, list[str]] = {
        "plain": ["Rock"],
        "sub-genre": ["Minimal Techno"],
        "joined": ["Bebop; Swing"],
        "several": ["House", "Rock", "Trance"],
        "alias": ["Rap"],
        "regional": ["Zouk"],
        "spelling": ["DRUM N BASS", "drum & bass", "Jazz", "Jazz Fusion"],
        "generic beside": ["Other", "Blues"],
        "number": ["9"],
        "itself and its kind": ["Electronic", "Techno", "Pop"],
        "separator": ["Folk, World, & Country"],
    }
    for name, values in words.items():
        track(tmp_path / f"{name}.flac", GENRE=values)
    found = read()
    assert labels(found) == {
        "plain": "Rock",
        "sub-genre": "Electronic",
        "joined": "Jazz",
        "several": "Electronic",
        "alias": "Hip-Hop",
        "regional": "Zouk",
        "spelling": "Jazz",
        "generic beside": "Blues",
        "number": "Metal",
        "itself and its kind": "Electronic",
        "separator": "Folk World & Country",
    }
    assert not [note for note in found.notes if "seed" in note]
    assert "Bebop, Swing and Jazz Fusion are counted as Jazz" in found.notes
    techno = "Techno, House, Trance and Minimal Techno are counted as Electronic"
    assert techno in found.notes


def test_artist_and_album_come_along(tmp_path: Path, read: Read) -> None:
    track(tmp_path / "a.flac", GENRE="Rock", ARTIST="Bob", ALBUM="First", ALBUMARTIST="Ann")
    (example,) = read().examples
    assert (example.artist, example.album) == ("Ann", "First")


def test_what_is_left_out_is_counted(tmp_path: Path, read: Read) -> None:
    track(tmp_path / "none.flac")
    track(tmp_path / "generic.flac", GENRE=["Other", "<unknown>"])
    track(tmp_path / "ignored.flac", GENRE=["Podcast"])
    track(tmp_path / "kept.flac", GENRE=["Podcast", "Rock"])
    (tmp_path / "broken.flac").write_bytes(b"fLaC")
    found = read(Vocabulary(ignore=frozenset({"Podcast"})))
    assert labels(found) == {"kept": "Rock"}
    assert found.notes == (
        "1 file with tags that cannot be read: left out",
        "2 tracks without a genre: left out",
        "1 track with no genre that the vocabulary allows: left out",
    )


def test_an_ignored_top_is_no_label(tmp_path: Path, read: Read) -> None:
    track(tmp_path / "a.flac", GENRE=["Techno", "House", "Jazz"])
    assert labels(read(Vocabulary(ignore=frozenset({"electronic"})))) == {"a": "Jazz"}


def test_ties_are_decided_by_the_seed(tmp_path: Path, read: Read) -> None:
    for i in range(30):
        track(tmp_path / f"{i}.flac", GENRE=["Rock", "Jazz"])
    found = read(seed=1)
    assert "30 tracks between several genres: decided by the seed (1)" in found.notes
    assert set(labels(found).values()) == {"Rock", "Jazz"}
    assert labels(read(seed=1)) == labels(found)
    assert labels(read(seed=2)) != labels(found)
    # One track more or less decides nothing about the others.
    (tmp_path / "0.flac").unlink()
    assert labels(read(seed=1)).items() <= labels(found).items()


def test_ties_do_not_hang_on_where_the_library_lies(tmp_path: Path) -> None:
    decided = []
    for place in ("here", "there/deeper"):
        folder = tmp_path / place
        paths = [track(folder / f"{i}.flac", GENRE=["Rock", "Jazz"]) for i in range(8)]
        decided.append(labels(read_library(folder, paths, Vocabulary(), None, 0)))
    assert decided[0] == decided[1]


def test_the_users_words_and_parents(tmp_path: Path, read: Read) -> None:
    track(tmp_path / "a.flac", GENRE=["Hip-Hop"])
    track(tmp_path / "b.flac", GENRE=["Trap"])
    track(tmp_path / "c.flac", GENRE=["Zouk"])
    vocabulary = Vocabulary(aliases={"Hip-Hop": "Rap"}, parents={"Zouk": "Caribbean"})
    assert labels(read(vocabulary)) == {"a": "Rap", "b": "Rap", "c": "Caribbean"}
    given = read(vocabulary, parents={"Zouk": "Antilles"})
    assert labels(given) == {"a": "Rap", "b": "Rap", "c": "Antilles"}


def test_the_whitelist_says_how_far_up(tmp_path: Path, read: Read) -> None:
    words = {"a": "Minimal Techno", "b": "techno", "c": "Deep House", "d": "Bebop", "e": "Hiphop"}
    for name, word in words.items():
        track(tmp_path / f"{name}.flac", GENRE=word)
    vocabulary = Vocabulary(
        aliases={"House": "R & B"}, whitelist=("Techno", "R&B", "Electronic", "Rap")
    )
    found = read(vocabulary)
    assert labels(found) == {"a": "Techno", "b": "Techno", "c": "R&B"}
    assert "2 tracks with no genre that the vocabulary allows: left out" in found.notes


# --- what genretag wrote itself ---------------------------------------------------------

HEARD = ["Rock=0.83", "Metal=0.10"]


def journalled(path: Path, *changes: tuple[str, tuple[str, ...], tuple[str, ...]]) -> None:
    """Record that a run made these changes."""
    replacement = Replacement(
        path=path.resolve(),
        changes=tuple(TagChange(*change) for change in changes),
        undo=b"",
        state_before=b"before",
        state_after=b"after",
        mtime_before_ns=0,
    )
    with Journal.open(state_folder()) as journal:
        run = journal.begin("scan", "default 1", "0.9")
        journal.confirm(journal.record(run, replacement))
        journal.finish(run)


FIRST = ("GENRETAG_GENRES", (), tuple(HEARD))


def test_without_a_journal_own_fields_tell(tmp_path: Path, read: Read) -> None:
    track(tmp_path / "own.flac", GENRE="rock", GENRETAG_GENRES=HEARD)
    track(tmp_path / "own alias.flac", GENRE="Rap", GENRETAG_GENRES=["hiphop=0.91"])
    track(tmp_path / "second.flac", GENRE="Metal", GENRETAG_GENRES=HEARD)
    track(tmp_path / "corrected.flac", GENRE="Jazz", GENRETAG_GENRES=HEARD)
    track(tmp_path / "added.flac", GENRE=["Trap", "Rock"], GENRETAG_GENRES=HEARD)
    track(tmp_path / "never scanned.flac", GENRE="Rock")
    found = read(Vocabulary(aliases={"hiphop": "Rap"}))
    assert labels(found) == {"corrected": "Jazz", "added": "Rap", "never scanned": "Rock"}
    assert "3 tracks with no genre but what genretag wrote itself: left out" in found.notes


def test_the_journal_knows_better(tmp_path: Path, read: Read) -> None:
    def scanned(name: str, *genres: str) -> Path:
        return track(tmp_path / f"{name}.flac", GENRE=list(genres), GENRETAG_GENRES=HEARD)

    journalled(scanned("kept by fill", "Rock"), FIRST)
    journalled(scanned("written", "Rock"), FIRST, ("GENRE", ("Other",), ("Rock",)))
    journalled(scanned("an album's", "Soul"), FIRST, ("GENRE", (), ("Soul",)))
    journalled(scanned("appended", "Rock", "Blues"), FIRST, ("GENRE", ("Rock",), ("Rock", "Blues")))
    # The journal did not see who wrote the genre before.
    journalled(scanned("seen late", "Rock"), ("GENRETAG_GENRES", ("Pop=0.50",), tuple(HEARD)))
    later = scanned("in a later run", "Rock")
    journalled(later, FIRST)
    journalled(later, ("GENRE", (), ("Rock",)))
    found = read()
    assert labels(found) == {"kept by fill": "Rock", "appended": "Rock"}
    assert "4 tracks with no genre but what genretag wrote itself: left out" in found.notes


def test_what_was_undone_does_not_count(tmp_path: Path, read: Read) -> None:
    path = track(tmp_path / "a.flac", GENRE="Rock", GENRETAG_GENRES=HEARD)
    journalled(path, FIRST, ("GENRE", (), ("Rock",)))
    with Journal.open(state_folder()) as journal:
        (entry,) = journal.entries(1)
        journal.undone(entry.number)
    journalled(path, FIRST)
    assert labels(read()) == {"a": "Rock"}


def test_reading_begins_no_journal(tmp_path: Path, read: Read) -> None:
    track(tmp_path / "a.flac", GENRE="Rock", GENRETAG_GENRES=HEARD)
    read()
    assert not state_folder(create=False).exists()


def test_a_damaged_journal_is_said_and_done_without(tmp_path: Path, read: Read) -> None:
    track(tmp_path / "a.flac", GENRE="Rock", GENRETAG_GENRES=HEARD)
    track(tmp_path / "b.flac", GENRE="Jazz", GENRETAG_GENRES=HEARD)
    (state_folder() / JOURNAL).write_bytes(b"no database" * 100)
    found = read()
    assert labels(found) == {"b": "Jazz"}
    assert found.notes[0].endswith("who wrote a genre was told by the tags alone")
    assert JOURNAL in found.notes[0]
