"""Write tags, and put back what was replaced, checking every promise before a byte is written.

A write is a list of edits (:mod:`tagger.tags.edits`). The file is read as it would be with them,
and only if audio, foreign fields and ID3 version are the same there, and our fields as planned,
are the edits carried out (:mod:`tagger.tags.replace`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from tagger.domain import FileState, Replacement, TagChange
from tagger.errors import GenretagError, TagError, TagsRefusedError
from tagger.tags.container import Container, tags_of
from tagger.tags.edits import Edit, Edited, Edits, inverse, pack, unpack
from tagger.tags.failures import translated
from tagger.tags.fields import FIELDS
from tagger.tags.place import held, refuse_outside
from tagger.tags.replace import Target, edit_in_place, refuse_unwritable, replace_by_copy

__all__ = ["PayloadDigest", "Recorded", "WriteSettings", "restore", "write_changes"]

PayloadDigest = Callable[[BinaryIO], bytes]
"""A digest of the audio alone, to prove that it stays the same."""

Recorded = Callable[[Replacement], AbstractContextManager[None]]
"""Makes a replacement durable when its context is entered; leaving it by an error says that
the file was not replaced after all."""

_FAILED = "the tags cannot be written"


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """How files are written.

    Attributes:
        mtime: ``bump`` lets other programs notice the change, ``preserve`` keeps
            the time of the last modification.
        in_place: change the file itself instead of replacing it by an edited copy:
            hard links stay together and no room is needed, but a crash in the middle
            of it damages the file.
        new_id3: 3 or 4, the version of an ID3v2 tag where none stands yet.
        within: folders (or files), without links, outside of which nothing is written, though
            a link may lead there; none means that it may be anywhere.
    """

    mtime: Literal["bump", "preserve"] = "bump"
    in_place: bool = False
    new_id3: Literal[3, 4] = 4
    within: tuple[Path, ...] = ()


def write_changes(
    path: Path,
    changes: Sequence[TagChange],
    *,
    payload_digest: PayloadDigest,
    settings: WriteSettings | None = None,
    recorded: Recorded | None = None,
    planned_for: FileState | None = None,
) -> None:
    """Write planned changes into a file, or leave it exactly as it is.

    Args:
        path: the file; a symbolic link is followed and stays a link.
        changes: at most one a field; none means that nothing is done.
        payload_digest: called only where the edits themselves are no proof (Ogg pages that
            have to be numbered anew).
        settings: how to write.
        recorded: keeps what is replaced.
        planned_for: the file as it was when the changes were planned: a file that is not
            the same any more is refused. Without it, only the fields to be changed count.

    Raises:
        TagsRefusedError: if writing would harm something that must be kept.
        TagError: for any other reason; the file is as it was.
    """
    if not changes:
        return
    settings = settings or WriteSettings()
    _check_plan(changes)
    with translated(_FAILED):
        real = path.resolve(strict=True)
        refuse_outside(real, settings.within)
        refuse_unwritable(real, real.stat(), in_place=settings.in_place)
        with held(real) as place, place.reading() as original:
            before = os.fstat(original.fileno())
            tags = tags_of(original, new_id3=settings.new_id3)
            state_before = tags.state()
            if planned_for:
                _check_same(before, state_before, planned_for)
            edits, state_after = _planned(tags, changes, payload_digest)
            if not edits:
                return
            replacement = Replacement(
                path=real,
                changes=tuple(changes),
                undo=pack(inverse(edits, original)),
                state_before=state_before,
                state_after=state_after,
                mtime_before_ns=before.st_mtime_ns,
            )
            mtime_ns = before.st_mtime_ns if settings.mtime == "preserve" else None
            _carry_out(
                Target(place, original, before, mtime_ns),
                edits,
                state_before,
                in_place=settings.in_place,
                recorded=recorded(replacement) if recorded else nullcontext(),
            )


def restore(replacement: Replacement, *, in_place: bool = False, dry_run: bool = False) -> bool:
    """Put back the file that a write replaced, byte for byte, with its former date.

    Args:
        replacement: what that write recorded.
        in_place: as in :class:`WriteSettings`.
        dry_run: only check that it can be done.

    Returns:
        True if it was done, False if the file is as it was before the write anyway.

    Raises:
        TagsRefusedError: if somebody else changed the file since.
        TagError: for any other reason; the file is as it is.
    """
    with translated("the former tags cannot be put back"):
        real = replacement.path.resolve(strict=True)  # it may be a link by now
        with held(real) as place, place.reading() as original:
            before = os.fstat(original.fileno())
            state = tags_of(original).state()
            if state == replacement.state_before:
                return False
            if state != replacement.state_after:
                raise TagsRefusedError("its tags were changed since by another program")
            refuse_unwritable(real, before, in_place=in_place)
            edits = unpack(replacement.undo)
            with _view(original, edits) as view:
                if tags_of(view).state() != replacement.state_before:
                    raise TagError("what the journal holds would not bring the old file back")
            if not dry_run:
                _carry_out(
                    Target(place, original, before, replacement.mtime_before_ns),
                    edits,
                    state,
                    in_place=in_place,
                    recorded=nullcontext(),  # what is taken back is not recorded again
                )
    return True


def _carry_out(
    target: Target,
    edits: Edits,
    state: bytes,
    *,
    in_place: bool,
    recorded: AbstractContextManager[None],
) -> None:
    if not in_place:
        replace_by_copy(target, edits, recorded=recorded)
        return

    def same(file: BinaryIO) -> bool:
        return tags_of(file).state() == state

    edit_in_place(target, edits, same=same, recorded=recorded)


def _check_same(status: os.stat_result, tags: bytes, planned_for: FileState) -> None:
    if tags != planned_for.tags:
        raise TagError("its tags have changed since this was planned; scan it again")
    if (status.st_size, status.st_mtime_ns) != (planned_for.size, planned_for.mtime_ns):
        raise TagError("the file has changed since this was planned; scan it again")


def _check_plan(changes: Sequence[TagChange]) -> None:
    names = [change.field for change in changes]
    if unknown := sorted(set(names) - set(FIELDS)):
        raise TagError(f"the plan has unknown fields: {', '.join(unknown)}")
    if len(set(names)) < len(names):
        raise TagError("the plan changes one field twice")


def _planned(
    tags: Container, changes: Sequence[TagChange], payload_digest: PayloadDigest
) -> tuple[Edits, bytes]:
    """The edits that make these changes, proven to make no other, and the state behind them."""
    for change in changes:
        if tags.get(FIELDS[change.field]) != change.before:
            raise TagError(f"{change.field} has changed since it was read; run again")
    changed = {change.field for change in changes}
    expected = tags.rest(changed)
    for change in changes:
        tags.put(FIELDS[change.field], change.after)
    edits = tags.edits()
    with _view(tags.file, edits) as view:
        result = tags_of(view)
        for change in changes:
            if result.get(FIELDS[change.field]) != change.after:
                raise TagsRefusedError(f"{result.kind} cannot hold these values of {change.field}")
        _check_rest(expected, result.rest(changed))
        if tags.kind.startswith("ID3v2") and result.kind != tags.kind:
            raise TagsRefusedError(f"{tags.kind} would become {result.kind}")
        _check_audio(tags, edits, result, payload_digest)
        return edits, result.state()


def _view(file: BinaryIO, edits: Edits) -> io.BufferedReader:
    """The file as it would be."""
    return io.BufferedReader(Edited(file, edits))


def _check_rest(expected: Sequence[tuple[str, bytes]], found: Sequence[tuple[str, bytes]]) -> None:
    if found != expected:
        what = ", ".join(sorted({name for name, _ in set(found) ^ set(expected)})[:3])
        raise TagsRefusedError(
            f"something beside our fields would change: {what or 'the order of the tags'}"
        )


def _check_audio(
    tags: Container, edits: Edits, result: Container, payload_digest: PayloadDigest
) -> None:
    if _moved_whole(tags.audio, edits) == result.audio:
        return
    try:
        same = payload_digest(tags.file) == payload_digest(result.file)
    except GenretagError as error:
        raise TagError(f"the audio cannot be verified: {error}") from error
    if not same:
        raise TagsRefusedError("the audio would not stay the same")


def _moved_whole(
    regions: Sequence[tuple[int, int]], edits: Sequence[Edit]
) -> tuple[tuple[int, int], ...] | None:
    """Where regions that no edit touches will lie, or None if one is touched."""
    places, shift, at = [], 0, 0
    for start, end in regions:
        while at < len(edits) and edits[at].end <= start:
            shift += edits[at].shift
            at += 1
        if at < len(edits) and edits[at].offset < end:
            return None
        places.append((start + shift, end + shift))
    return tuple(places)
