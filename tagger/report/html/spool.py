"""The tracks of a report while its run goes on: on disk, so that memory does not grow with them.

At the end they come out again column by column, as the page holds them: numbers as little-endian
arrays in base64, texts as JSON.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tagger.domain import TrackReport
from tagger.report.deeds import deed_of
from tagger.report.html.projection import draw_landmarks, fit_map
from tagger.report.html.texts import Output, Texts
from tagger.report.text import one_line, shown

__all__ = ["RANKS", "Spool"]

Array: TypeAlias = npt.NDArray[Any]

RANKS: Final = 3
"""How many genres of a track the page shows."""

_SURE: Final = 10_000  # a probability of one in the page's whole numbers
_MAP_WIDE: Final = 65_535
_TOGETHER: Final = 3_000  # rows; divisible by 3, so that base64 needs padding at its end only
_PAIRS_TOGETHER: Final = 10_000

_ROW: Final = np.dtype(
    [
        *((name, "<u4") for name in ("folder", "reason", "before", "after", "type", "seconds")),
        ("deed", "<u2"),
        *((f"{what}{rank}", "<u2") for rank in range(RANKS) for what in ("genre", "p")),
    ]
)
_PAIR: Final = np.dtype([("row", "<u4"), ("label", "<u4"), ("p", "<u2")])
_PLACE: Final = np.dtype([("x", "<u2"), ("y", "<u2")])


class Spool:
    """Takes tracks, and gives them back as columns.

    Args:
        folder: where the temporary files lie. They have no name, and vanish with the process.
    """

    def __init__(self, folder: Path) -> None:
        self._open_files = ExitStack()
        self._folder = folder
        self._rows_file, self._pairs_file = self._temporary(), self._temporary()
        self._names, self._texts = Texts(self._temporary()), Texts(self._temporary())
        self._meant: dict[str, dict[str, int]] = {"genre": {}, "type": {}, "deed": {}}
        self._rows: list[tuple[int, ...]] = []
        self._pairs: list[tuple[int, int, int]] = []
        self._tracks = self._heard = 0

    def close(self) -> None:
        """Let go of everything."""
        self._open_files.close()

    def meaning(self, what: str) -> list[str]:
        """The texts behind the numbers of ``genre``, ``type`` and ``deed``, in order.

        Of genres and types, number 0 means that there is none, and 1 is the first of these.
        """
        return list(self._meant[what])

    def add(self, report: TrackReport) -> None:
        """Take one track."""
        folder, name = os.path.split(os.fspath(report.path))
        before = report.current.get("GENRE", ())
        after = next((c.after for c in report.changes if c.field == "GENRE"), before)
        ranked: list[int] = []
        for label, p in report.genres[:RANKS]:
            ranked += (1 + self._number("genre", label), _whole(p))
        ranked += [0] * (2 * RANKS - len(ranked))
        self._names.append(shown(name))
        self._rows.append(
            (
                self._texts.number(shown(folder)),
                self._texts.number(one_line(report.reason)),
                self._texts.number(one_line("; ".join(before))),
                self._texts.number(one_line("; ".join(after))),
                0 if report.cluster is None else 1 + self._number("type", report.cluster),
                min(max(0, round(report.duration_s)), 0xFFFFFFFF),
                self._number("deed", deed_of(report)),
                *ranked,
            )
        )
        heard = self._heard
        self._pairs += [
            (heard, self._number("genre", label), _rounded(p)) for label, p in report.genres
        ]
        self._heard += bool(report.genres)
        self._tracks += 1
        if len(self._rows) >= _TOGETHER:
            self._flush()

    def write_names(self, out: Output) -> None:
        """Write the tracks' file names as a JSON array."""
        self._names.write(out)

    def write_texts(self, out: Output) -> None:
        """Write what ``folder``, ``reason``, ``before`` and ``after`` number, as a JSON array."""
        self._texts.write(out)

    def write_columns(self, out: Output) -> None:
        """Write a JSON object: each column's name to ``[bytes a number, base64]``."""
        self._flush()
        out.write(b"{")
        for name in _ROW.names or ():
            most = max((int(rows[name].max()) for rows in self._all_rows()), default=0)
            _write_column(out, name, most, (rows[name] for rows in self._all_rows()))
            out.write(b",")
        places = self._lay_out()
        for axis, end in (("x", b","), ("y", b"}")):
            blocks = (block[axis] for block in _blocks(places, _PLACE, _TOGETHER))
            _write_column(out, axis, _MAP_WIDE, blocks)
            out.write(end)

    def _lay_out(self) -> Output:
        """Where each track lies on the map, at 0 and 0 where nothing was heard."""
        places = self._temporary()
        if self._heard:
            fitted = fit_map(draw_landmarks(self._probabilities()))
            heard = self._temporary()
            for block in self._probabilities():
                at = np.rint(fitted.place(block) * _MAP_WIDE).astype("<u2")
                heard.write(at.tobytes())
            heard.seek(0)
        for rows in self._all_rows():
            at = np.zeros(len(rows), _PLACE)
            is_heard = rows["genre0"] > 0
            if n := int(is_heard.sum()):
                at[is_heard] = np.frombuffer(heard.read(n * _PLACE.itemsize), _PLACE)
            places.write(at.tobytes())
        return places

    def _probabilities(self) -> Iterator[Array]:
        """The probabilities of all genres, in the order of the alphabet, for some tracks at a
        time of those heard: shape (n, n_genres)."""
        genres = self.meaning("genre")
        columns = np.argsort(np.argsort(genres))
        left = np.empty(0, _PAIR)
        for block in _blocks(self._pairs_file, _PAIR, _PAIRS_TOGETHER):
            pairs = np.concatenate([left, block])
            whole = pairs["row"] < pairs["row"][-1]
            left = pairs[~whole]  # the last track may go on in the next block
            if whole.any():
                yield _dense(pairs[whole], columns)
        if len(left):
            yield _dense(left, columns)

    def _all_rows(self) -> Iterator[Array]:
        return _blocks(self._rows_file, _ROW, _TOGETHER)

    def _number(self, what: str, text: str) -> int:
        meant = self._meant[what]
        text = one_line(text)
        return meant.setdefault(text, len(meant))

    def _flush(self) -> None:
        self._rows_file.write(np.array(self._rows, _ROW).tobytes())
        self._pairs_file.write(np.array(self._pairs, _PAIR).tobytes())
        self._rows.clear()
        self._pairs.clear()

    def _temporary(self) -> Output:
        return self._open_files.enter_context(tempfile.TemporaryFile(dir=self._folder))


def _whole(p: float) -> int:
    """A probability as a whole number, at its full scale only if it is certain."""
    return _SURE if p >= 1 else min(_SURE - 1, max(0, round(_SURE * p)))


def _rounded(p: float) -> int:
    """A probability as it is kept of a track, in whole numbers: one that is recalled lies where it
    lay when it was heard."""
    return min(_SURE, max(0, round(_SURE * round(p, 4))))


def _dense(pairs: Array, columns: Array) -> Array:
    rows, places = np.unique(pairs["row"], return_inverse=True)
    block = np.zeros((len(rows), len(columns)))
    block[places, columns[pairs["label"]]] = pairs["p"] / _SURE
    return block


def _blocks(file: Output, kind: np.dtype[Any], together: int) -> Iterator[Array]:
    """All of a file, from its beginning; others may not read it meanwhile."""
    file.seek(0)
    while data := file.read(together * kind.itemsize):
        yield np.frombuffer(data, kind)


def _write_column(out: Output, name: str, most: int, blocks: Iterable[Array]) -> None:
    size = 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4
    out.write(f'"{name}":[{size},"'.encode())
    for block in blocks:
        out.write(base64.b64encode(block.astype(f"<u{size}").tobytes()))
    out.write(b'"]')
