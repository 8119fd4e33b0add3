from __future__ import annotations

import io
import os
import unicodedata
from pathlib import Path

import pytest
from report.reports import HOSTILE, MARKUP
from rich.console import Console
from rich.text import Text

from tagger.report.text import counted, duration, one_line, percent, print_prose, shown


@pytest.mark.parametrize(("raw", "safe"), HOSTILE.values(), ids=HOSTILE)
def test_what_a_terminal_would_obey_is_written_out(raw, safe):
    assert one_line(raw) == safe
    if "\0" not in raw:
        assert shown(Path(f"/m/{raw}.mp3")) == f"/m/{safe}.mp3"


def test_no_control_or_format_character_passes():
    characters = [chr(c) for c in range(0x110000)]
    harmful = [c for c in characters if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert len(harmful) > 2000
    text = one_line("".join(harmful))
    assert text.isprintable()
    assert text.isascii()


@pytest.mark.parametrize("text", ["plain", "Motörhead", "摇滚", "Ωmega & 1/2 [x] (y)", "🎸", ""])
def test_printable_text_stays(text):
    assert one_line(text) == text


def test_names_that_are_not_utf8():
    assert shown(Path(os.fsdecode(b"caf\xe9/\xff.mp3"))) == "caf\\xe9/\\xff.mp3"
    assert shown("\ud800") == "\\ud800"  # which no file name gives, but a damaged plan may


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "0 %"), (0.004, "0 %"), (0.83, "83 %"), (0.994, "99 %"), (0.9999, "99 %"), (1, "100 %")],
)
def test_percent(p, text):
    assert percent(p) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (42.4, "0:42"), (59.6, "1:00"), (425, "7:05"), (3599.9, "1:00:00"),
     (12011, "3:20:11")],
)  # fmt: skip
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_counted():
    assert [counted(n, "track") for n in (0, 1, 1000)] == ["0 tracks", "1 track", "1,000 tracks"]
    assert counted(2, "process", "processes") == "2 processes"


SENTENCE = f"No silhouette reaches 0.25 (the highest is 0.22), so {MARKUP} pass into each other."


@pytest.mark.parametrize("width", [20, 30, 41, 80, 200])
def test_on_a_terminal_prose_is_broken_between_words(width):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, color_system=None, width=width, markup=False)
    print_prose(console, Text(SENTENCE), indent=3)
    lines = file.getvalue().splitlines()
    assert all(line.startswith("   ") and len(line) <= max(width, 23) for line in lines)
    assert " ".join(line.strip() for line in lines) == SENTENCE
    assert (len(lines) == 1) == (width >= len(SENTENCE) + 3)


def test_elsewhere_prose_stays_on_one_line():
    file = io.StringIO()
    print_prose(Console(file=file, width=30), Text(SENTENCE), indent=3)
    assert file.getvalue() == f"   {SENTENCE}\n"
