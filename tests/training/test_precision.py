from __future__ import annotations

from pathlib import Path

import pytest

from tagger.training.precision import has_bfloat16


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("flags\t\t: fpu avx2 avx512_bf16 sse4_1\n", True),
        ("flags\t\t: fpu avx2\nflags\t\t: fpu amx_bf16\n", True),
        ("Features\t: fp asimd bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\n", False),
        ("model name\t: no bf16 here\n", False),
        ("", False),
    ],
)
def test_the_flags_decide(tmp_path: Path, text: str, has: bool) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert has_bfloat16(tmp_path / "cpuinfo") is has


def test_a_system_that_does_not_tell_has_none(tmp_path: Path) -> None:
    assert has_bfloat16(tmp_path / "missing") is False
