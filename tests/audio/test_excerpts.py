from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.audio.excerpts import ExcerptPlan, Span, plan_spans

DEFAULT = ExcerptPlan(2, 15.0)
WHOLE_TOLERANCE_S = 1.0


@pytest.mark.parametrize(
    ("duration_s", "plan", "expected"),
    [
        (0.0, DEFAULT, [(0.0, 0.0)]),
        (2.0, DEFAULT, [(0.0, 2.0)]),
        (30.0, DEFAULT, [(0.0, 30.0)]),
        (30.024, DEFAULT, [(0.0, 30.024)]),
        (31.0, DEFAULT, [(0.0, 31.0)]),
        (31.5, DEFAULT, [(0.75, 30.0)]),
        (50.0, DEFAULT, [(10.0, 30.0)]),
        (60.0, DEFAULT, [(12.5, 15.0), (32.5, 15.0)]),
        (240.0, DEFAULT, [(72.5, 15.0), (152.5, 15.0)]),
        (18_000.0, DEFAULT, [(5992.5, 15.0), (11_992.5, 15.0)]),
        (240.0, ExcerptPlan(1, 30.0), [(105.0, 30.0)]),
        (240.0, ExcerptPlan(3, 10.0), [(55.0, 10.0), (115.0, 10.0), (175.0, 10.0)]),
    ],
)
def test_which_spans_are_heard(
    duration_s: float, plan: ExcerptPlan, expected: list[tuple[float, float]]
) -> None:
    spans = plan_spans(duration_s, plan)
    assert [(s.start_s, s.duration_s) for s in spans] == expected


durations = st.floats(min_value=0.0, max_value=100_000.0, allow_nan=False)
plans = st.builds(
    ExcerptPlan,
    count=st.integers(min_value=1, max_value=12),
    seconds=st.floats(min_value=0.5, max_value=120.0, allow_nan=False),
)


@given(durations, plans)
def test_spans_lie_inside_the_track_in_order_and_apart(
    duration_s: float, plan: ExcerptPlan
) -> None:
    spans = plan_spans(duration_s, plan)
    slack = 1e-9 * max(1.0, duration_s)
    assert spans[0].start_s >= 0
    for span, after in pairwise(spans):
        assert span.start_s + span.duration_s <= after.start_s + slack
    assert spans[-1].start_s + spans[-1].duration_s <= duration_s + slack


@given(durations, plans)
def test_no_more_is_heard_than_planned_and_no_less_than_there_is(
    duration_s: float, plan: ExcerptPlan
) -> None:
    heard = sum(s.duration_s for s in plan_spans(duration_s, plan))
    assert heard <= plan.total_s + WHOLE_TOLERANCE_S
    assert heard >= min(duration_s, plan.total_s) * (1 - 1e-9)


@given(durations, plans)
def test_a_short_track_is_heard_whole(duration_s: float, plan: ExcerptPlan) -> None:
    whole = (Span(0.0, duration_s),)
    assert (plan_spans(duration_s, plan) == whole) == (
        duration_s <= plan.total_s + WHOLE_TOLERANCE_S
    )


@given(durations, plans)
def test_a_long_track_loses_intro_and_ending_alike(duration_s: float, plan: ExcerptPlan) -> None:
    if duration_s <= plan.total_s + WHOLE_TOLERANCE_S:
        return
    spans = plan_spans(duration_s, plan)
    before = spans[0].start_s
    after = duration_s - spans[-1].start_s - spans[-1].duration_s
    assert before > 0
    assert after == pytest.approx(before, rel=1e-6, abs=1e-6)
    if duration_s >= 2 * plan.total_s:
        assert len(spans) == plan.count
        assert before >= duration_s / (2 * (plan.count + 1)) - 1e-6


@pytest.mark.parametrize(
    ("count", "seconds"), [(0, 15.0), (-1, 15.0), (2, 0.0), (2, -1.0), (2, float("nan"))]
)
def test_a_plan_that_hears_nothing_is_refused(count: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="excerpt plan"):
        ExcerptPlan(count, seconds)
