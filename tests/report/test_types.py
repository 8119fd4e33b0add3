from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from report.reports import HOSTILE, MARKUP

from tagger.report.playlists import print_playlists
from tagger.report.types import (
    Move,
    SeenTrack,
    SeenType,
    SeenTypes,
    print_types,
    print_types_kept,
)


@dataclass(frozen=True)
class Look:
    k: int
    inertia: float
    silhouette: float


@dataclass(frozen=True)
class Choice:
    k: int = 2
    by: str = "silhouette"
    elbow: int = 3
    silhouette: int = 2


FIRST = SeenType(
    1, "mellow and flowing", "much mellower", 30, (("Classical", 0.6), ("Pop", 0.38),
    ("Metal", 0.02)), (SeenTrack(Path("/m/a.mp3"), 61.0, "Ann", "One"),
    SeenTrack(Path("/m/b.mp3"), 62.0)),
)  # fmt: skip
SECOND = SeenType(4, "bright", "brighter", 10, (("Rock", 1.0),), ())
SEEN = SeenTypes(
    model="default 1.0.0",
    tracks=40,
    left_out=1,
    types=(FIRST, SECOND),
    looks=(Look(1, 49.0, 0.0), Look(2, 20.0, 0.41), Look(3, 10.0, 0.3)),
    choice=Choice(),
    fitted_on=40,
    fitted="now",
    clear=0.25,
)


def printed(capsys: Any, seen: SeenTypes, **how: bool) -> str:
    print_types(seen, **how)
    return capsys.readouterr().out


def test_types_just_fitted(capsys):
    out = printed(capsys, SEEN)
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == "2 music types in 40 tracks; 1 file left out"
    assert lines[1] == (
        "k = 2 by the silhouette, which is highest there (0.41); the elbow of the inertia is at 3."
    )
    assert "2    20.00       0.410  chosen, highest silhouette" in out
    assert "1  mellow and flowing  30 tracks, 75 % " + "━" * 18 in lines
    assert "   heard as Classical 60 %, Pop 38 %" in lines
    assert "   typical: Ann – One  /m/a.mp3  1:01" in lines
    assert "            /m/b.mp3  1:02" in lines
    assert "4  bright  10 tracks, 25 % " + "━" * 6 in lines


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(by="you"), "k = 2 was asked for; the elbow is at 3, the highest silhouette at 2."),
        (Choice(3, "elbow"), "k = 3 by the elbow of the inertia: no silhouette reaches 0.25"),
    ],
)
def test_why_there_are_so_many(capsys, choice, said):
    assert said in printed(capsys, replace(SEEN, choice=choice))


def test_types_of_an_earlier_run_are_short_unless_more_is_asked_for(capsys):
    earlier = replace(SEEN, fitted="earlier", fitted_on=1234)
    out = printed(capsys, earlier)
    assert "Fitted earlier on 1,234 tracks; names and numbers stay." in out
    assert "silhouette" not in out
    assert "silhouette" in printed(capsys, earlier, verbose=True)


def test_what_moved(capsys):
    anew = replace(
        SEEN, fitted="anew", new=("bright",), gone=("dense", "loud"), moved_of=40,
        moves=(Move("dense", "bright", 9), Move("loud", "bright", 1)),
    )  # fmt: skip
    out = printed(capsys, anew)
    assert "10 of 40 tracks moved to another type" in out
    assert "  9  dense → bright\n  1  loud → bright\n" in out
    assert "  new: bright\n  gone: dense, loud\n" in out
    assert "none can be compared" in printed(capsys, replace(anew, moved_of=0, moves=()))


def test_no_tracks_at_all(capsys):
    empty = replace(FIRST, tracks=0, genres=(), typical=())
    assert "0 tracks, 0 %" in printed(capsys, replace(SEEN, tracks=0, types=(empty,)))


def test_where_they_are_kept(capsys):
    print_types_kept(replace(SEEN, kept_in=Path("/c/types.json")), [Path("/my music"), Path("b")])
    out = capsys.readouterr().out
    assert "Kept in /c/types.json" in out
    assert "`genretag cluster --write '/my music' b`" in out
    print_types_kept(SEEN, [Path("b")])
    assert "Dry run: nothing was kept or written." in capsys.readouterr().out


@pytest.mark.parametrize("raw", [raw for raw, _ in HOSTILE.values()])
def test_names_do_not_reach_the_terminal_as_they_are(capsys, raw):
    name = raw + MARKUP
    track = SeenTrack(Path(f"/m/{name.replace(chr(0), '')}"), 1.0, name, name)
    kind = replace(FIRST, name=name, genres=((name, 1.0),), typical=(track,))
    hostile = replace(SEEN, types=(kind,), fitted="anew", new=(name,), gone=(name,), moved_of=1,
                      moves=(Move(name, name, 1),))  # fmt: skip
    out = printed(capsys, hostile)
    print_types_kept(replace(SEEN, kept_in=track.path), [track.path])
    out += capsys.readouterr().out
    assert all(line.isprintable() for line in out.split("\n"))
    assert out.count(MARKUP) == 12


# --- playlists ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    path: Path
    tracks: int
    duration_s: float


@dataclass(frozen=True)
class Lists:
    lists: tuple[Written, ...] = ()
    unlisted: int = 0
    unheard: int = 0
    left_out: tuple[Path, ...] = ()
    notice: str = ""


def test_playlists_and_what_is_in_none(capsys):
    lists = (Written(Path("o/Rock [b].m3u8"), 1200, 7200.0), Written(Path("o/Pop.m3u8"), 1, 61.0))
    print_playlists(Lists(lists, 3, 1, (Path("a\nb.mp3"),), "types\nnotice"))
    said = capsys.readouterr()
    assert "1,200 tracks  2:00:00  o/Rock [b].m3u8" in said.out
    assert "1 track     1:01  o/Pop.m3u8" in said.out
    assert said.err.splitlines() == [
        r"types\nnotice",
        r"a\nb.mp3: left out, a playlist has no line breaks",
        "3 tracks in no playlist: no genre stands there, none was heard for sure",
        "1 file could not be heard, or are no music",
    ]
    print_playlists(Lists())
    assert "No playlist was written" in capsys.readouterr().out
