from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.errors import UsageError
from tagger.report.timespan import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("3600", 3600), ("1", 1),
        ("1h5s", 3605), ("1m90s", 150), ("1h2m3s", 3723), ("007s", 7), ("0h1s", 1),
        ("999999999h", 999999999 * 3600),
    ],
)  # fmt: skip
def test_durations(text, seconds):
    assert parse_duration(text) == seconds
    assert isinstance(parse_duration(text), float)


@pytest.mark.parametrize(
    "text",
    ["", " ", "h", "2 h", " 2h", "2h ", "2h\n", "2H", "1d", "2h30", "30m1h", "1h1h", "1.5h", "1e3",
     "-5", "+5", "-1h", "2:30", "nan", "inf", "0x10", "²", "٣h", "１h", "1_000", "9999999999",
     "9999999999h", "two hours"],
)  # fmt: skip
def test_what_is_none_is_refused(text):
    with pytest.raises(UsageError) as caught:
        parse_duration(text)
    expected = f"--time-limit {text}: must be like 2h, 90m, 1h30m, 45s or 3600 (seconds)"
    assert str(caught.value) == expected


@pytest.mark.parametrize("text", ["0", "000", "0s", "0m", "0h0m0s"])
def test_nothing_is_refused(text):
    with pytest.raises(UsageError, match=f"^--limit {text}: must be longer than nothing$"):
        parse_duration(text, "--limit")


@given(st.text("0123456789hms ", max_size=8) | st.text(max_size=6))
@settings(max_examples=80, derandomize=True, deadline=None)
def test_any_text_is_a_time_above_zero_or_refused(text):
    try:
        seconds = parse_duration(text)
    except UsageError:
        return
    assert seconds > 0
    assert set(text) <= set("0123456789hms")
