"""The same promises on music as it is found, where a copy of it is at hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import mutagen.id3 as m
import pytest

from tagger.domain import Candidate, Policy, Prediction
from tagger.library.identity import payload_digest, payload_digest_of
from tagger.tags.policy import PolicySettings, decide
from tagger.tags.read import read_tags
from tagger.tags.writer import write_changes

MUSIC = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "emotify"
WORDS = (Candidate("Vaporwave", 0.7, 0.5, ("Vaporwave",)), Candidate("Jazz", 0.3, 0.5, ("Jazz",)))
HEARD = Prediction((("Vaporwave", 0.7), ("Jazz", 0.3)), "Type 3")


def foreign(path: Path) -> dict[str, str]:
    tags = m.ID3(path, translate=False)
    ours = ("TCON", "TXXX:GENRETAG_")
    return {key: repr(frame) for key, frame in tags.items() if not key.startswith(ours)}


@pytest.mark.skipif(not MUSIC.is_dir(), reason="needs the Emotify recordings")
@pytest.mark.parametrize("policy", list(Policy))
def test_real_files(tmp_path, policy):
    files = sorted(MUSIC.rglob("*.mp3"))[list(Policy).index(policy) :: 30]
    assert files
    for source in files:
        path = tmp_path / source.name
        shutil.copyfile(source, path)
        settings = PolicySettings(policy, max_genres=2)
        before = read_tags(path)
        plan = decide(before, HEARD, WORDS, settings, "m1", "0.1.0")
        write_changes(path, plan.changes, payload_digest=payload_digest_of)
        after = read_tags(path)
        assert after.kind == before.kind
        assert {c.field: c.after for c in plan.changes}.items() <= after.values.items()
        assert foreign(path) == foreign(source)
        assert payload_digest(path) == payload_digest(source)
        assert decide(after, HEARD, WORDS, settings, "m1", "0.1.0").changes == ()
