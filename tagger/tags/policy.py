"""What should stand in a file's fields, given what stands there and what was heard.

Pure: no file is touched here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tagger.domain import CurrentTags, Policy, Prediction, TagChange
from tagger.tags.fields import CLUSTER, GENRE, GENRES, MODEL, VERSION
from tagger.tags.genres import comparable, is_generic

__all__ = [
    "DEFAULT_THRESHOLD",
    "SECONDARY_RATIO",
    "Decision",
    "GenreOutcome",
    "PolicySettings",
    "decide",
]

DEFAULT_THRESHOLD = 0.5
"""Least probability of a genre for which nobody gave a threshold."""

SECONDARY_RATIO = 1 / 3
"""Least probability of a further genre, as a part of the first one's."""

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
        min_confidence: least probability of a genre, for all genres; None to
            use ``thresholds``.
        thresholds: least probability by genre; others have :data:`DEFAULT_THRESHOLD`.
        max_genres: how many genres a file gets at most.
    """

    policy: Policy = Policy.FILL
    min_confidence: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    max_genres: int = 1

    def threshold(self, label: str) -> float:
        """Least probability at which this genre is written."""
        if self.min_confidence is not None:
            return self.min_confidence
        return self.thresholds.get(label, DEFAULT_THRESHOLD)


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
    settings: PolicySettings,
    model_id: str,
    version: str,
) -> Decision:
    """Plan the changes of one file.

    The genre follows the policy. The own fields always say what was heard,
    also where the user's genre stays or the model is unsure. A cluster in the
    file stays if the model has no music types.

    Args:
        current: what stands in the file.
        prediction: what was heard.
        settings: what the user wants.
        model_id: the model, for ``GENRETAG_MODEL``.
        version: genretag's version, for ``GENRETAG_VERSION``. A new version alone
            is no reason to write: an upgrade must not rewrite a whole library.
    """
    standing = current.values.get(GENRE.name, ())
    after, outcome, reason = _genre(standing, prediction, settings)
    wanted = {GENRE.name: after, **_own_fields(prediction, model_id, version)}
    changes = tuple(
        TagChange(name, before, values)
        for name, values in wanted.items()
        if values != (before := current.values.get(name, ()))
    )
    if {change.field for change in changes} == {VERSION.name} and changes[0].before:
        changes = ()
    return Decision(changes, outcome, reason)


def _genre(
    standing: tuple[str, ...], prediction: Prediction, settings: PolicySettings
) -> tuple[tuple[str, ...], GenreOutcome, str]:
    real = tuple(word for word in standing if not is_generic(word))
    if real and settings.policy is Policy.FILL:
        return standing, GenreOutcome.KEPT, f"kept genre {_listed(real)} (policy fill)"
    heard = _heard(prediction, settings)
    if not heard:
        return standing, GenreOutcome.ABSTAINED, _why_unsure(prediction, settings)
    words = tuple(heard)
    if settings.policy is Policy.APPEND:
        known = {comparable(word) for word in real}
        new = tuple(word for word in words if comparable(word) not in known)
        words = (*real, *new) if new else standing
        if new and real:
            return words, GenreOutcome.ADDED, f"added {_listed(new)} to {_listed(real)}"
    if words == standing:
        return standing, GenreOutcome.UNCHANGED, f"genre is {_listed(standing)} already"
    said = ", ".join(f"{word} {probability:.2f}" for word, probability in heard.items())
    instead = f" in place of {_listed(standing)}" if standing else ""
    return words, GenreOutcome.WRITTEN, f"genre {said}{instead}"


def _heard(prediction: Prediction, settings: PolicySettings) -> dict[str, float]:
    """The genres that are sure enough, with their probabilities."""
    if not prediction.genres:
        return {}
    label, top = prediction.genres[0]
    if top < settings.threshold(label):
        return {}
    further = [
        (name, probability)
        for name, probability in prediction.genres[1 : max(1, settings.max_genres)]
        if probability >= SECONDARY_RATIO * top
    ]
    return {label: top, **dict(further)}


def _why_unsure(prediction: Prediction, settings: PolicySettings) -> str:
    if not prediction.genres:
        return "unsure: no genre was heard"
    label, top = prediction.genres[0]
    least = settings.threshold(label)
    digits = 2
    while f"{top:.{digits}f}" == f"{least:.{digits}f}" and digits < 6:
        digits += 1  # never "0.60 is below 0.60"
    return f"unsure: {label} {top:.{digits}f} is below {least:.{digits}f}"


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
