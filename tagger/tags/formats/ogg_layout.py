"""How one packet changes on its Ogg pages while all else stays.

Pages keep their number if they can, and bytes that stay are never replaced: if a page must end
elsewhere, its successor's header moves, not the packet around it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import BinaryIO

from tagger.tags.edits import Edit, Edits, between, joined, kept
from tagger.tags.formats.ogg_pages import (
    CONTINUED,
    LAST,
    MOST,
    Page,
    read_region,
    sound_bytes,
)

__all__ = ["relaid"]

_ZERO, _NO_PACKET_ENDS = bytes(8), b"\xff" * 8

_Marks = Mapping[int, Sequence[bytes]]
"""What interrupts the bodies of some pages, joined, before the byte at each offset in them."""


def relaid(
    file: BinaryIO, pages: Sequence[Page], first: int, count: int, packet: bytes, changes: Edits
) -> tuple[Edits, int]:
    """Change a packet on the pages of one stream that hold it.

    There are as many pages as before if the new packet has room on them. A page ends where
    its segments are full, so headers move to and fro between bytes that stay.

    Args:
        file: the file.
        pages: from the one where the packet begins to the one where it ends.
        first: how many segments precede the packet on the first page.
        count: how many segments it has.
        packet: the new packet.
        changes: what distinguishes it from the old one, by offsets inside that.

    Returns:
        edits of the file, and how many pages more the stream has then.

    Raises:
        TagsRefusedError: if one of the pages has a wrong checksum.
    """
    raw = [sound_bytes(file, page) for page in pages]
    gaps = [b"", *(read_region(file, a.end, b.start) for a, b in pairwise(pages))]
    lacing = b"".join(page.lacing for page in pages)
    body = b"".join(data[page.body - page.start :] for data, page in zip(raw, pages, strict=True))
    at, size = sum(lacing[:first]), sum(lacing[first : first + count])
    before, behind = lacing[:first], lacing[first + count :]
    laced = b"\xff" * (len(packet) // MOST) + bytes((len(packet) % MOST,))

    old = _marked(
        (gap, data[: page.body - page.start], sum(page.lacing))
        for gap, data, page in zip(gaps, raw, pages, strict=True)
    )
    rows = _layout(pages, first, len(behind), len(laced))
    gap_of = dict(zip(pages, gaps, strict=True))
    new_body = body[:at] + packet + body[at + size :]
    headers = list(_headers(pages, rows, before + laced + behind, new_body))
    new = _marked(
        (gap_of[page] if page else b"", header, held)
        for (page, _), (header, held) in zip(rows, headers, strict=True)
    )
    in_body = tuple(Edit(edit.offset + at, edit.length, edit.data) for edit in changes)
    written = sum(bool(header) for header, _ in headers)
    return _woven(pages[0].start, body, in_body, old, new), written - len(pages)


def _layout(
    pages: Sequence[Page], before: int, behind: int, segments: int
) -> list[tuple[Page | None, int]]:
    """The new pages: which old one each takes the place of, and how many segments it gets.

    Args:
        pages: the old ones.
        before: segments in front of the packet; they stay on the first page.
        behind: segments behind it; they stay on the last page.
        segments: those of the new packet.

    Returns:
        a row of (old page or None, number); a page without segments goes.
    """
    last = len(pages) - 1
    fixed = [before * (i == 0) + behind * (i == last) for i in range(last + 1)]
    own = [len(page.lacing) - n for page, n in zip(pages, fixed, strict=True)]
    left = segments - sum(own)
    for i in reversed(range(last + 1)):
        least = 0 if fixed[i] else min(1, own[i])
        step = min(MOST - fixed[i] - own[i], left) if left > 0 else max(least - own[i], left)
        own[i] += step
        left -= step
    for i in reversed(range(last)):  # not one segment for each: some pages go
        step = max(-own[i], min(0, left))
        own[i] += step
        left -= step
    if left <= 0:
        return [(page, n + m) for page, n, m in zip(pages, fixed, own, strict=True)]
    number = -(-(before + segments + behind) // MOST)
    places = [*pages[: max(1, last)], *[None] * (number - last - 1), *pages[max(1, last) :]]
    rows: list[tuple[Page | None, int]] = []
    for i, page in enumerate(places):
        held = before * (i == 0) + behind * (i == number - 1)
        step = min(MOST - held, segments)
        rows.append((page, held + step))
        segments -= step
    return rows


def _headers(
    pages: Sequence[Page], rows: Sequence[tuple[Page | None, int]], lacing: bytes, body: bytes
) -> Iterator[tuple[bytes, int]]:
    """Header (empty if the page goes) and size of the body of each new page."""
    at = position = written = 0
    for i, (page, segments) in enumerate(rows):
        is_last = i == len(rows) - 1
        part = lacing[at : at + segments]
        held = sum(part)
        if not segments and page and page.lacing:
            yield b"", 0
            continue
        flags = page.flags & ~LAST if page else 0
        if i and segments:
            flags = flags & ~CONTINUED | CONTINUED * (lacing[at - 1 : at] == b"\xff")
        # One page becomes several: what its granule position told is told by the last of them.
        old = pages[-1] if is_last else page if len(pages) > 1 else None
        ends = _ends(part)
        granule = old.granule if old and _ends(old.lacing) == ends else None
        new = Page(
            start=0,
            flags=flags | (pages[-1].flags & LAST if is_last else 0),
            granule=granule or (_ZERO if ends else _NO_PACKET_ENDS),
            serial=pages[0].serial,
            sequence=pages[0].sequence + written,
            lacing=part,
        )
        yield new.header(body[position : position + held]), held
        at += segments
        position += held
        written += 1


def _ends(lacing: bytes) -> bool:
    """Whether a packet ends on the page."""
    return any(size < MOST for size in lacing)


def _marked(rows: Iterable[tuple[bytes, bytes, int]]) -> _Marks:
    """Marks of rows of (bytes in front of the page, its header, size of its body)."""
    marks: dict[int, list[bytes]] = {}
    position = 0
    for gap, header, size in rows:
        marks.setdefault(position, []).extend((gap, header))
        position += size
    return marks


def _woven(at: int, body: bytes, edits: Edits, old: _Marks, new: _Marks) -> Edits:
    """Edits of the file from edits of the joined bodies, and the marks among these.

    Args:
        at: where the first page begins in the file.
        body: the bodies of the old pages.
        edits: what becomes of that.
        old: the marks as they stand.
        new: those of the new pages.
    """
    old_cuts, new_cuts = sorted(old), sorted(new)
    result: list[Edit] = []
    shift = 0
    for (start, end), edit in zip(kept(edits, len(body)), (*edits, None), strict=True):
        reach = end if edit else end + 1  # a mark behind everything belongs to the last region
        moved = (cut - shift for cut in _within(new_cuts, start + shift, reach + shift))
        for cut in sorted({*_within(old_cuts, start, reach), *moved}):
            at += cut - start
            start = cut
            mark = b"".join(old.get(cut, ()))
            result += between(at, [mark], [b"".join(new.get(cut + shift, ()))])
            at += len(mark)
        at += end - start
        if edit:
            before = _interrupted(body[edit.offset : edit.end], edit.offset, old, old_cuts)
            after = _interrupted(edit.data, edit.offset + shift, new, new_cuts)
            result += between(at, [before], [after])
            at += len(before)
            shift += edit.shift
    return joined(result)


def _interrupted(data: bytes, offset: int, marks: _Marks, cuts: Sequence[int]) -> bytes:
    """Bytes of the bodies from an offset on, with the marks among them."""
    pieces = []
    at = 0
    for cut in _within(cuts, offset, offset + len(data)):
        pieces += [data[at : cut - offset], *marks[cut]]
        at = cut - offset
    return b"".join((*pieces, data[at:]))


def _within(cuts: Sequence[int], start: int, end: int) -> Sequence[int]:
    return cuts[bisect_left(cuts, start) : bisect_left(cuts, end)]
