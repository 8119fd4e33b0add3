"""MP4 and M4A: ``moov.udta.meta.ilst``, changed item by item.

Room for larger tags is taken from the padding nearest to them. Only where there is none does
anything else move, and then all that points to it is changed too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import BinaryIO

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import Edit, Edits, between, joined
from tagger.tags.fields import FIELDS, Field
from tagger.tags.formats import atoms
from tagger.tags.formats.atoms import HEADER, ILST, META, Atom
from tagger.tags.formats.base import Container, Rest, digest_region
from tagger.tags.formats.mp4_offsets import Landmarks, repointed
from tagger.tags.styles import mp4 as style

__all__ = ["Mp4"]

_NEW_ROOM = 1024
_HANDLER = bytes(8) + b"mdirappl" + bytes(9)

_Run = tuple[int, int, int]
"""A run of padding: where it begins and ends, and the size it shall have."""


class Mp4(Container):
    """An MP4 file with audio."""

    kind = "MP4"

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._root = atoms.parse(file)
        self.audio = tuple((mdat.body, mdat.end) for mdat in self._root.named(b"mdat"))
        self._can_hold = True
        self._chain = self._find_chain()
        self._keys = tuple((item, self._key(item)) for item in self._items())
        self._put: dict[Field, tuple[str, ...]] = {}

    def _find_chain(self) -> tuple[Atom, ...]:
        """The atoms around the tags, from the file itself inwards, as far as there are any."""
        movies = self._root.named(b"moov")
        if not movies:
            raise TagError("the MP4 file is damaged: it describes no media")
        if len(movies) > 1:
            raise TagsRefusedError("the MP4 file describes its media twice; remux it first")
        outer = (self._root, movies[0])
        data = movies[0].named(b"udta")
        metas = [(*outer, udta, meta) for udta in data for meta in udta.named(b"meta")]
        ours = [chain for chain in metas if self._is_ours(chain[-1])]
        lists = [(*chain, ilst) for chain in ours for ilst in chain[-1].named(b"ilst")]
        if len(ours) > 1 or len(lists) > 1:
            raise TagsRefusedError("there are several lists of tags; keep one of them")
        self._can_hold = bool(ours) or not metas
        if lists or ours:
            return lists[0] if lists else ours[0]
        return (*outer, data[0]) if data and self._can_hold else outer

    def _is_ours(self, meta: Atom) -> bool:
        """Whether it is of the kind that players show, and not one with keys of its own."""
        handlers = [self._read(hdlr.body, hdlr.end)[8:12] for hdlr in meta.named(b"hdlr")]
        if meta.named(b"keys") or b"mdta" in handlers:
            return False
        return bool(meta.named(b"ilst")) or not handlers or b"mdir" in handlers

    def _items(self) -> tuple[Atom, ...]:
        last = self._chain[-1]
        return last.children if last.path == ILST else ()

    def _key(self, item: Atom) -> str:
        content = self._read(item.body, item.end) if item.name == b"----" else b""
        return style.key(item.name, content)

    def _read(self, start: int, end: int) -> bytes:
        self.file.seek(start)
        return self.file.read(end - start)

    def get(self, field: Field) -> tuple[str, ...]:
        return self._put[field] if field in self._put else self._stored(field)

    def _stored(self, field: Field) -> tuple[str, ...]:
        found = (item for item, key in self._keys if key == field.mp4)
        return style.get(((i.name, self._read(i.body, i.end)) for i in found), field)

    def put(self, field: Field, values: Sequence[str]) -> None:
        if not self._can_hold:
            raise TagsRefusedError(
                "the tags are of another kind than iTunes', which genretag cannot write; "
                "remux the file first"
            )
        self._put[field] = tuple(values)

    def edits(self) -> Edits:
        fields = {f: new for f, new in self._put.items() if new != self._stored(f)}
        if not fields:
            return ()
        edits = self._changed_items(fields)
        by = sum(edit.shift for edit in edits)
        if by:
            depth, runs = self._plan(by)
            if not runs:
                edits = self._changed_items(fields, _NEW_ROOM)
                by = sum(edit.shift for edit in edits)
            outer = by + sum(size - (end - start) for start, end, size in runs)
            for number, parent in enumerate(self._chain):
                edits += atoms.resized(self.file, parent, by if number >= depth else outer)
            for run in runs:
                edits += atoms.room(self.file, *run)
            edits += repointed(self.file, self._root, max(edit.end for edit in edits), outer)
        return joined(edits)

    def _changed_items(
        self, fields: Mapping[Field, tuple[str, ...]], new_room: int = 0
    ) -> list[Edit]:
        """Edits of the items alone, or one that adds the tags with all that is missing."""
        edits: list[Edit] = []
        added = b""
        for field, values in fields.items():
            new = style.render(field, values)
            found = [item for item, key in self._keys if key == field.mp4]
            if not found:
                added += new
            for item in found:
                edits += between(item.start, [self._read(item.start, item.end)], [new])
                new = b""
        depth = len(self._chain)
        if depth < 5:
            added = atoms.atom(b"ilst", added)
        if depth < 4:
            hdlr = atoms.atom(b"hdlr", _HANDLER)
            added = atoms.atom(b"meta", bytes(4), hdlr, added, atoms.free(new_room))
        if depth < 3:
            added = atoms.atom(b"udta", added)
        return [*edits, Edit(self._spot(), 0, added)] if added else edits

    def _spot(self) -> int:
        """Where what is new goes: behind the rest of its parent, but in front of padding."""
        last = self._chain[-1]
        if last.path == ILST:
            return last.filled
        return atoms.free_run(last, last.filled, backwards=True)[0]

    def _plan(self, by: int) -> tuple[int, tuple[_Run, ...]]:
        """How to make room for tags that grow or shrink.

        Args:
            by: how much they grow.

        Returns:
            how many of the chain are around the padding, and what becomes of its runs; no runs
            at all if new tags have to bring their own padding.
        """
        for depth, runs in self._ways(by):
            if all(size == 0 or size >= HEADER for _, _, size in runs):
                return depth, runs
        depth, start, end = next(self._rooms())
        has_meta = len(self._chain) >= 4
        return depth, ((start, end, _NEW_ROOM),) if has_meta else ()

    def _ways(self, by: int) -> Iterator[tuple[int, tuple[_Run, ...]]]:
        """All that keeps what lies behind in place, best first; sizes may be impossible."""
        inner, *others = self._rooms()
        depth, start, end = inner
        yield depth, ((start, end, end - start - by),)
        last = self._chain[-1]
        if last.path == ILST:
            front, middle = atoms.free_run(self._chain[-2], last.start, backwards=True)
            left = middle - front - by
            if front < middle:
                yield depth, ((front, middle, left),)
                yield depth, ((front, middle, 0), (start, end, end - start + left))
        for depth, start, end in others:
            if start < end:
                yield depth, ((start, end, end - start - by),)

    def _rooms(self) -> Iterator[tuple[int, int, int]]:
        """Runs of padding behind the tags and behind what is around them, from inside outwards.

        Each is told by how many of the chain are around it, its beginning and its end; the
        first may be empty.
        """
        last = self._chain[-1]
        depth, at = len(self._chain), self._spot()
        if last.path == ILST:
            depth, at = depth - 1, last.end
        for number in range(depth, 0, -1):
            parent = self._chain[number - 1]
            yield (number, *atoms.free_run(parent, at))
            at = parent.end

    def rest(self, changed: AbstractSet[str]) -> Rest:
        landmarks = Landmarks(self._root)
        ours = {FIELDS[name].mp4 for name in changed}
        own = {item.start for item, key in self._keys if key in ours}
        found: list[tuple[str, bytes]] = []
        for each in self._root.walk():
            path = each.path.decode("latin-1")
            if each.is_parent:
                if each.filled < each.end:
                    found.append((f"{path} end", digest_region(self.file, each.filled, each.end)))
            elif each.path[:-5] == ILST:
                if each.start not in own:
                    found.append((path, digest_region(self.file, each.start, each.end)))
            elif not (each.is_padding or each.path == b"mdat" or self._is_new_handler(each)):
                found.append((path, landmarks.digest(self.file, each)))
        return tuple(found)

    def _is_new_handler(self, each: Atom) -> bool:
        """Whether it is what comes with a new ``meta``: that may be there after a write only."""
        return each.path == META + b".hdlr" and self._read(each.body, each.end) == _HANDLER
