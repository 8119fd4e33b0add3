"""Which recordings among the free music are no music: rain, wind, places, machines, a voice.

That is told by their names alone; nobody has listened to all of them. Of some the name does not
tell, and they are neither one nor the other.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

__all__ = ["MUSIC", "UNCLEAR", "kind_of"]

MUSIC: Final = "music"
UNCLEAR: Final = "unclear"

_NAMES: Final = MappingProxyType(
    {
        "noise": (
            "ardentryst/*-Rain_Loop.*", "btanks-data/*-city.*", "btanks-data/*-country.*",
            "btanks-data/*-forest.*", "btanks-data/*-swamp.*", "caveexpress-data/*-water-rising.*",
            "endless-sky-data/*-machinery.*", "flare-game/*-anvil_loop.*", "flare-game/*-rain.*",
            "flare-game/*-wind_ambient.*", "flare-game/*-cave_wind_loop.*",
            "flare-game/*-wind_loop.*", "lugaru-data/*-DesertAmbient.*", "lugaru-data/*-Wind.*",
            "megaglest-data/*day.*", "megaglest-data/*-night*", "megaglest-data/*-rain.*",
            "megaglest-data/*-wind.*", "plee-the-bear-data/*-rain.*",
            "redeclipse-data/*-distant_cars.*", "redeclipse-data/*-forest3.*",
            "redeclipse-data/*-lava1.*", "redeclipse-data/*-rain.*", "redeclipse-data/*-river.*",
            "redeclipse-data/*-stormbolts.*", "redeclipse-data/*wind.*",
            "supertuxkart-data/*-sheep.*", "supertuxkart-data/*-static-radio.*",
            "supertuxkart-data/*-steamLocomotive.*", "unknown-horizons/*-lumberjack_long.*",
            "unknown-horizons/*-main_square.*", "unknown-horizons/*-sheepfield.*",
            "unknown-horizons/*-warehouse.*", "unknown-horizons/*-windmill.*",
            "warmux-data/*-construction.*",
        ),
        "speech": ("supertuxkart-data/*_speech.*", "supertuxkart-data/*-sara_airport_pa.*"),
        UNCLEAR: (
            "ardentryst/*-AMB_Intro_*", "caveexpress-data/*-cave?.*",
            "freedroidrpg-data/*-EndOfAct.*", "freedroidrpg-data/*-GameLost.*",
            "freedroidrpg-data/*-StartOfGame.*", "megaglest-data/*-hell.*",
            "redeclipse-data/*-lavarumble*",
        ),
    }
)  # fmt: skip


def kind_of(recording: str) -> str:
    """What a recording is: :data:`MUSIC`, ``noise``, ``speech`` or :data:`UNCLEAR`.

    Args:
        recording: its path in the folder of :mod:`tagger.training.free_music`.
    """
    return next(
        (
            kind
            for kind, names in _NAMES.items()
            if any(fnmatchcase(recording, name) for name in names)
        ),
        MUSIC,
    )
