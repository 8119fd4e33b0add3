"""Which parts of a track are heard.

An intro says little about a song, and a whole five-hour mix costs too much: a few
excerpts spread over the track say nearly as much as all of it, at a cost that does
not grow with its length.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ExcerptPlan", "Span", "plan_spans"]

# A clip of "30 seconds" is often 30.02 or 30.5 s long; up to here it is heard whole.
_WHOLE_TOLERANCE_S = 1.0


@dataclass(frozen=True, slots=True)
class ExcerptPlan:
    """How much of a track to hear: ``count`` excerpts of ``seconds`` each."""

    count: int = 2
    seconds: float = 15.0

    def __post_init__(self) -> None:
        if self.count < 1 or not self.seconds > 0:
            raise ValueError("an excerpt plan needs count >= 1 and seconds > 0")

    @property
    def total_s(self) -> float:
        """Seconds heard of a track that is long enough."""
        return self.count * self.seconds


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a track, in seconds from its start."""

    start_s: float
    duration_s: float


def plan_spans(duration_s: float, plan: ExcerptPlan) -> tuple[Span, ...]:
    """Choose the spans to hear of a track of ``duration_s`` seconds.

    - up to the plan's total (and a second more): the whole track, in one span;
    - up to twice the total: one span of the total length, in the middle;
    - longer: ``plan.count`` spans, centred at 1/(count+1), 2/(count+1)… of the track.

    >>> [round(s.start_s, 1) for s in plan_spans(240.0, ExcerptPlan(2, 15.0))]
    [72.5, 152.5]

    Returns:
        Spans in order, without overlap, all inside ``[0, duration_s]``.
    """
    if duration_s <= plan.total_s + _WHOLE_TOLERANCE_S:
        return (Span(0.0, duration_s),)
    if duration_s < 2 * plan.total_s:
        return (Span((duration_s - plan.total_s) / 2, plan.total_s),)
    centres = (duration_s * (i + 1) / (plan.count + 1) for i in range(plan.count))
    return tuple(Span(centre - plan.seconds / 2, plan.seconds) for centre in centres)
