"""Which genres are kinds of which: from a genre to the top-level one it belongs to.

The tree joins what most listeners agree on, and no more. Genres of one region (Zouk, Fado,
Enka) stand for themselves: "World Music" would say less of them than their own name. The
labels of the default model stand at the top too, so Metal, Disco and Reggae are no kinds of
another genre here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from tagger.models.vocabulary import Vocabulary
from tagger.words import comparable

__all__ = ["DEFAULT_PARENTS", "GenreTree"]

_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "Blues": (
        "Acoustic Blues", "Blues Rock", "Boogie-Woogie", "Chicago Blues", "Country Blues",
        "Delta Blues", "Electric Blues", "Jump Blues", "Piano Blues", "Rhythmic Blues",
    ),
    "Classical": (
        "Baroque", "Chamber Music", "Choral", "Concerto", "Contemporary Classical", "Early Music",
        "Impressionism", "Medieval", "Minimalism", "Modern Classical", "Neoclassical", "Opera",
        "Operetta", "Orchestral", "Renaissance", "Romantic", "Sonata", "String Quartet",
        "Symphonic", "Symphony", "20th Century Classical",
    ),
    "Country": (
        "Alternative Country", "Americana", "Bluegrass", "Classic Country", "Contemporary Country",
        "Country Pop", "Country Rock", "Honky Tonk", "Nashville Sound", "Outlaw Country",
        "Rockabilly", "Western Swing",
    ),
    "Disco": ("Euro-Disco", "Italo-Disco", "Nu-Disco"),
    "Easy Listening": ("Background Music", "Elevator Music", "Exotica", "Lounge", "Muzak"),
    "Electronic": (
        "Ambient", "Bass", "Bass Music", "Big Beat", "Booty Bass", "Breakbeat", "Breakcore",
        "Chillout", "Chillwave", "Chip Music", "Chiptune", "Club", "Dance", "Dark Ambient",
        "Darkwave", "Downtempo", "Drum & Bass", "Dubstep", "EBM", "Electro", "Electro Swing",
        "Electroclash", "Eurodance", "Future Bass", "Gabber", "Glitch", "Grime", "Hardstyle",
        "House", "IDM", "Illbient", "Industrial", "Italo Dance", "Leftfield", "Nu-Breakz",
        "Psybient", "Rave", "Synthwave", "Techno", "Trance", "Trip-Hop", "UK Garage", "Vaporwave",
    ),
    "Drum & Bass": ("Drumfunk", "Jungle", "Liquid Funk", "Neurofunk", "Techstep"),
    "House": (
        "Acid House", "Club-House", "Deep House", "Electro House", "Euro-House", "French House",
        "Progressive House", "Tech House", "Tropical House",
    ),
    "Techno": (
        "Acid Techno", "Detroit Techno", "Dub Techno", "Euro-Techno", "Hard Techno",
        "Minimal Techno", "Techno-Industrial",
    ),
    "Trance": (
        "Goa", "Goa Trance", "Hard Trance", "Progressive Trance", "Psytrance", "Uplifting Trance",
    ),
    "Experimental": (
        "Avantgarde", "Drone", "Electroacoustic", "Field Recordings", "Free Improvisation",
        "Musique Concrète", "Noise", "Sound Art", "Sound Collage",
    ),
    "Folk": (
        "Acoustic Folk", "British Folk", "Contemporary Folk", "Folk Pop", "Folk-Rock", "Folklore",
        "Freak Folk", "Indie Folk", "National Folk", "Psych-Folk", "Singer-Songwriter",
        "Traditional Folk",
    ),
    "Gospel": ("Black Gospel", "Spiritual", "Spirituals"),
    "Hip-Hop": (
        "Alternative Hip-Hop", "Boom Bap", "Christian Rap", "Cloud Rap", "Conscious Hip-Hop",
        "Crunk", "Drill", "East Coast Hip-Hop", "G-Funk", "Gangsta Rap", "Hardcore Hip-Hop",
        "Hip-Hop Beats", "Instrumental Hip-Hop", "Old School Hip-Hop", "Southern Hip-Hop", "Trap",
        "Turntablism", "Underground Hip-Hop", "West Coast Hip-Hop",
    ),
    "Gangsta Rap": ("Christian Gangsta Rap",),
    "Jazz": (
        "Acid Jazz", "Avant-Garde Jazz", "Bebop", "Big Band", "Cool Jazz", "Dixieland",
        "Fast-Fusion", "Free Jazz", "Fusion", "Gypsy Jazz", "Hard Bop", "Jazz Blues",
        "Jazz Fusion", "Jazz+Funk", "Jazz Vocal", "Latin Jazz", "Modal Jazz",
        "Modern Jazz", "Nu Jazz", "Post-Bop", "Ragtime", "Smooth Jazz", "Soul Jazz", "Swing",
        "Vocal Jazz",
    ),
    "Latin": (
        "Bachata", "Bolero", "Cha-Cha", "Cumbia", "Latin Pop", "Latin Rock", "Mambo", "Merengue",
        "Reggaeton", "Rumba", "Salsa", "Son Cubano",
    ),
    "Metal": (
        "Alternative Metal", "Black Metal", "Death Metal", "Doom Metal", "Folk Metal",
        "Glam Metal", "Gothic Metal", "Groove Metal", "Heavy Metal", "Industrial Metal",
        "Melodic Death Metal", "Metalcore", "Nu Metal", "Power Metal", "Progressive Metal",
        "Sludge", "Speed Metal", "Stoner Metal", "Symphonic Metal", "Thrash Metal",
    ),
    "New Age": ("Healing Music", "Meditation", "Meditative", "Relaxation"),
    "Pop": (
        "Art Pop", "BritPop", "Chamber Pop", "Dance-Pop", "Dream Pop", "Electropop", "Europop",
        "Experimental Pop", "Indie Pop", "Instrumental Pop", "JPop", "K-Pop", "Pop-Folk",
        "Pop Rock", "Power Pop", "Sunshine Pop", "Synthpop", "Teen Pop", "Top 40",
    ),
    "R&B": (
        "Funk", "Motown", "Neo Soul", "New Jack Swing", "Northern Soul", "Psychedelic Soul",
        "Quiet Storm", "Rhythmic Soul", "Slow Jam", "Soul", "Southern Soul", "Urban",
    ),
    "Reggae": (
        "Dancehall", "Dub", "Lovers Rock", "Ragga", "Reggae Dub", "Rocksteady", "Roots Reggae",
        "Ska",
    ),
    "Rock": (
        "Acid Rock", "Alt. Rock", "Alternative", "Alternative Rock", "Art Rock", "Christian Rock",
        "Classic Rock", "Electro Rock", "Emo", "Experimental Rock", "Garage Rock", "Glam Rock",
        "Gothic Rock", "Grunge", "Hard Rock", "Indie", "Indie Rock", "Instrumental Rock",
        "Jam Band", "Krautrock", "Loud-Rock", "Math Rock", "New Wave", "Noise Rock", "Post-Rock",
        "Progressive Rock", "Psych-Rock", "Psychedelic Rock", "Punk", "Rock & Roll", "Rock Opera",
        "Shoegaze", "Slow Rock", "Soft Rock", "Southern Rock", "Space Rock", "Stoner Rock",
        "Surf Rock", "Symphonic Rock",
    ),
    "Punk": (
        "Acid Punk", "Afro-Punk", "Electro-Punk", "Hardcore Punk", "Polsk Punk", "Pop Punk",
        "Post-Punk", "Punk Rock", "Ska Punk",
    ),
    "Soundtrack": ("Film Music", "Game", "Musical", "Score", "Showtunes", "Video Game Music"),
    "Spoken Word": (
        "Audio Theatre", "Audiobook", "Comedy", "Humour", "Podcast", "Poetry", "Radio Play",
        "Satire", "Speech", "Spoken",
    ),
    "World Music": ("Ethnic", "Global", "International", "World Fusion", "Worldbeat"),
}  # fmt: skip

DEFAULT_PARENTS: Final[Mapping[str, str]] = MappingProxyType(
    {kind: parent for parent, kinds in _KINDS.items() for kind in kinds}
)
"""Common genres, each with the more general one right above it."""


class GenreTree:
    """Genres and the more general ones above them.

    Args:
        parents: the user's own genre → more general genre; these go before
            :data:`DEFAULT_PARENTS`, of which none applies that would close a circle with them.
        spelled: gives the user's word for a genre of :data:`DEFAULT_PARENTS`.

    Raises:
        UsageError: if ``parents`` lead in a circle or hold what cannot be a genre.
    """

    def __init__(
        self, parents: Mapping[str, str] | None = None, *, spelled: Callable[[str], str] = str
    ) -> None:
        own = Vocabulary(parents=parents or {}).parents  # which checks them
        self._above = {comparable(genre): above for genre, above in own.items()}
        for genre, above in DEFAULT_PARENTS.items():
            key, word = comparable(spelled(genre)), spelled(above)
            if key not in self._above and key not in map(comparable, self.way_up(word)):
                self._above[key] = word

    def way_up(self, genre: str) -> tuple[str, ...]:
        """The genre itself and each more general one, up to the top."""
        way = [genre]
        while (above := self._above.get(comparable(way[-1]))) is not None:
            way.append(above)
        return tuple(way)

    def top(self, genre: str) -> str:
        """The top-level genre above one, or the genre itself if nothing is above it."""
        return self.way_up(genre)[-1]
