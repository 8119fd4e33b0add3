"""What should stand in a file's fields, given what stands there and what was heard.

Pure: no file is touched here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tagger.domain import Candidate, CurrentTags, Policy, Prediction, TagChange
from tagger.tags.fields import CLUSTER, GENRE, GENRES, MODEL, VERSION
from tagger.tags.genres import is_generic
from tagger.words import comparable

__all__ = [
    "SECONDARY_RATIO",
    "TYPE_UNCHANGED",
    "TYPE_WRITTEN",
    "Decision",
    "GenreOutcome",
    "PolicySettings",
    "decide",
    "decide_type",
    "sure_enough",
]

SECONDARY_RATIO = 1 / 3
"""Least probability of a further genre, as a part of the first one's."""

TYPE_WRITTEN = "type written"
"""Outcome of a file that got its music type, and nothing else was to be written."""

TYPE_UNCHANGED = "type unchanged"
"""Outcome of a file in which its music type stood."""

_RANKED = 3
_RANKED_MIN = 0.05


class GenreOutcome(StrEnum):
    """What becomes of the genre field."""

    WRITTEN = "genre written"
    ADDED = "genre added"
    KEPT = "genre kept"
    UNCHANGED = "genre unchanged"
    ABSTAINED = "abstained"


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """How the user wants genres to be written.

    Attributes:
        policy: what may happen to a genre that stands.
        max_genres: how many genres a file gets at most.
        type_fields: fields of the user's that the music type goes into, too, where nothing stands:
            names from :data:`~tagger.tags.fields.TYPE_FIELDS`.
    """

    policy: Policy = Policy.FILL
    max_genres: int = 1
    type_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write, and why.

    Attributes:
        changes: only real differences; empty if there is nothing to write.
        outcome: what becomes of the genre field.
        reason: the same in words, for people.
    """

    changes: tuple[TagChange, ...]
    outcome: GenreOutcome
    reason: str


def decide(
    current: CurrentTags,
    prediction: Prediction,
    candidates: Sequence[Candidate],
    settings: PolicySettings,
    model_id: str,
    version: str,
    *,
    album: int = 0,
) -> Decision:
    """Plan the changes of one file.

    The genre follows the policy. The own fields always say what was heard,
    also where the user's genre stays or the model is unsure. A cluster in the
    file stays if the model has no music types.

    Args:
        current: what stands in the file.
        prediction: what was heard in this track, in the model's own labels.
        candidates: the words for the genre field, most probable first: for what was heard in
            this track, or in the whole album.
        settings: what the user wants.
        model_id: the model, for ``GENRETAG_MODEL``.
        version: genretag's version, for ``GENRETAG_VERSION``. A new version alone
            is no reason to write: an upgrade must not rewrite a whole library.
        album: how many tracks the candidates speak for, if more than one.
    """
    standing = current.values.get(GENRE.name, ())
    after, outcome, reason = _genre(standing, candidates, settings)
    if album > 1 and outcome is not GenreOutcome.KEPT:
        reason = f"{reason} (album of {album} tracks)"
    wanted = {
        GENRE.name: after,
        **_own_fields(prediction, model_id, version),
        **_type_fields(current, prediction.cluster, settings),
    }
    return Decision(_changes(current, wanted), outcome, reason)


def decide_type(
    current: CurrentTags, cluster: str, settings: PolicySettings, version: str
) -> tuple[TagChange, ...]:
    """Plan the changes of one file that gets its music type and nothing else.

    Args:
        current: what stands in the file.
        cluster: the music type.
        settings: what the user wants.
        version: genretag's, for ``GENRETAG_VERSION``.
    """
    wanted = {
        CLUSTER.name: (cluster,),
        VERSION.name: (version,),
        **_type_fields(current, cluster, settings),
    }
    return _changes(current, wanted)


def _changes(current: CurrentTags, wanted: Mapping[str, tuple[str, ...]]) -> tuple[TagChange, ...]:
    changes = tuple(
        TagChange(name, before, values)
        for name, values in wanted.items()
        if values != (before := current.values.get(name, ()))
    )
    if {change.field for change in changes} == {VERSION.name} and changes[0].before:
        return ()
    return changes


def _type_fields(
    current: CurrentTags, cluster: str | None, settings: PolicySettings
) -> dict[str, tuple[str, ...]]:
    """The music type in the user's fields: where nothing stands, or the type that was written
    there before, which is that of our own field."""
    if not cluster:
        return {}
    ours = ((), current.values.get(CLUSTER.name, ()))
    return {
        name: (cluster,) for name in settings.type_fields if current.values.get(name, ()) in ours
    }


def sure_enough(candidates: Sequence[Candidate], max_genres: int) -> tuple[Candidate, ...]:
    """The candidates that may be written: none if the first is too unsure, and those further
    ones that are not far behind it."""
    if not candidates or candidates[0].probability < candidates[0].threshold:
        return ()
    least = SECONDARY_RATIO * candidates[0].probability
    further = [c for c in candidates[1 : max(1, max_genres)] if c.probability >= least]
    return (candidates[0], *further)


def _genre(
    standing: tuple[str, ...], candidates: Sequence[Candidate], settings: PolicySettings
) -> tuple[tuple[str, ...], GenreOutcome, str]:
    real = tuple(word for word in standing if not is_generic(word))
    if real and settings.policy is Policy.FILL:
        return standing, GenreOutcome.KEPT, f"kept genre {_listed(real)} (policy fill)"
    heard = sure_enough(candidates, settings.max_genres)
    if not heard:
        return standing, GenreOutcome.ABSTAINED, _why_unsure(candidates)
    words = tuple(candidate.word for candidate in heard)
    if settings.policy is Policy.APPEND:
        known = {comparable(word) for word in real}
        new = tuple(word for word in words if comparable(word) not in known)
        words = (*real, *new) if new else standing
        if new and real:
            return words, GenreOutcome.ADDED, f"added {_listed(new)} to {_listed(real)}"
    if words == standing:
        return standing, GenreOutcome.UNCHANGED, f"genre is {_listed(standing)} already"
    said = ", ".join(f"{candidate.word} {candidate.probability:.2f}" for candidate in heard)
    instead = f" in place of {_listed(standing)}" if standing else ""
    return words, GenreOutcome.WRITTEN, f"genre {said}{instead}"


def _why_unsure(candidates: Sequence[Candidate]) -> str:
    if not candidates:
        return "unsure: the vocabulary has no word for what was heard"
    first = candidates[0]
    top, least = first.probability, first.threshold
    digits = 2
    while f"{top:.{digits}f}" == f"{least:.{digits}f}" and digits < 6:
        digits += 1  # never "0.60 is below 0.60"
    return f"unsure: {first.word} {top:.{digits}f} is below {least:.{digits}f}"


def _own_fields(prediction: Prediction, model_id: str, version: str) -> dict[str, tuple[str, ...]]:
    ranked = prediction.genres[:1] + tuple(
        pair for pair in prediction.genres[1:_RANKED] if pair[1] >= _RANKED_MIN
    )
    own = {GENRES.name: tuple(f"{label}={probability:.2f}" for label, probability in ranked)}
    if prediction.cluster:
        own[CLUSTER.name] = (prediction.cluster,)
    return {**own, MODEL.name: (model_id,), VERSION.name: (version,)}


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words)
