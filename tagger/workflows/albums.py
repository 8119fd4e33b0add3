"""Which tracks of a folder are one album."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from tagger.domain import CurrentTags

__all__ = ["albums"]

_VARIOUS = frozenset(
    {"diverse", "soundtrack", "unknown artist", "va", "various", "various artists", "v.a."}
)
_GUEST = re.compile(r"\s*[\(\[]?\b(?:feat|ft|featuring|with)\b.*", re.IGNORECASE)


def albums(tracks: Sequence[CurrentTags | None]) -> list[list[int]]:
    """The albums among the tracks of one folder, as places in ``tracks``.

    An album has one title and one album artist; where no album artist stands, one artist
    (guests aside). Compilations are none: their tracks have nothing in common.

    Args:
        tracks: the tags of each track, None for one without.

    Returns:
        groups of two tracks or more.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for place, tags in enumerate(tracks):
        if tags and (title := _word(tags, "ALBUM")):
            groups.setdefault((title, _word(tags, "ALBUMARTIST")), []).append(place)
    found = []
    for (_, album_artist), places in groups.items():
        members = [tags for place in places if (tags := tracks[place])]
        artists = {_GUEST.sub("", _word(tags, "ARTIST")) for tags in members}
        together = album_artist not in _VARIOUS if album_artist else len(artists) == 1
        if together and len(places) > 1 and not any(map(_is_compilation, members)):
            found.append(places)
    return found


def _word(tags: CurrentTags, name: str) -> str:
    return unicodedata.normalize("NFKC", " ".join(tags.album.get(name, ()))).casefold().strip()


def _is_compilation(tags: CurrentTags) -> bool:
    return _word(tags, "COMPILATION") in ("1", "true", "yes")
