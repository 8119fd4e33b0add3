"""Lengths of time as people write them on a command line."""

from __future__ import annotations

import re
from typing import Final

from tagger.errors import UsageError

__all__ = ["parse_duration"]

_SECONDS: Final = {"hours": 3600, "minutes": 60, "seconds": 1}
_PARTS: Final = re.compile(
    r"(?:(?P<hours>[0-9]{1,9})h)?(?:(?P<minutes>[0-9]{1,9})m)?(?:(?P<seconds>[0-9]{1,9})s)?"
)
_PLAIN: Final = re.compile(r"(?P<seconds>[0-9]{1,9})")


def parse_duration(text: str, option: str = "--time-limit") -> float:
    """Seconds of a duration: ``2h``, ``90m``, ``1h30m``, ``45s``, ``3600``.

    Args:
        text: whole hours, minutes and seconds in this order, or seconds alone.
        option: what the text was given to, for the message.

    Raises:
        UsageError: it is no such duration, or not longer than nothing.
    """
    match = _PLAIN.fullmatch(text) or _PARTS.fullmatch(text)
    if match is None or not text:
        raise UsageError(f"{option} {text}: must be like 2h, 90m, 1h30m, 45s or 3600 (seconds)")
    seconds = sum(_SECONDS[unit] * int(n) for unit, n in match.groupdict().items() if n)
    if not seconds:
        raise UsageError(f"{option} {text}: must be longer than nothing")
    return float(seconds)
