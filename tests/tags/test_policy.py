from __future__ import annotations

import pytest

from tagger.domain import CurrentTags, Policy, Prediction, TagChange
from tagger.tags.policy import Decision, GenreOutcome, PolicySettings, decide

SURE = Prediction((("Rock", 0.7), ("Hip-Hop", 0.25), ("Jazz", 0.05)), "Type 3")
UNSURE = Prediction((("Rock", 0.41), ("Jazz", 0.39), ("Pop", 0.2)), None)
FILL, APPEND, OVERWRITE = Policy.FILL, Policy.APPEND, Policy.OVERWRITE


def run(standing=(), prediction=SURE, version="1.0", others=None, **settings) -> Decision:
    values = {"GENRE": tuple(standing)} if standing else {}
    current = CurrentTags("ID3v2.4", {**values, **(others or {})})
    return decide(current, prediction, PolicySettings(**settings), "m1", version)


def genre_after(decision: Decision) -> tuple[str, ...] | None:
    return next((c.after for c in decision.changes if c.field == "GENRE"), None)


@pytest.mark.parametrize(
    ("policy", "standing", "max_genres", "after", "outcome", "reason"),
    [
        (FILL, [], 1, ("Rock",), "genre written", "genre Rock 0.70"),
        (FILL, ["Other"], 1, ("Rock",), "genre written", "genre Rock 0.70 in place of Other"),
        (FILL, ["12", "misc"], 1, ("Rock",), "genre written",
         "genre Rock 0.70 in place of 12, misc"),
        (FILL, ["Classical"], 1, None, "genre kept", "kept genre Classical (policy fill)"),
        (FILL, ["Other", "Indie"], 1, None, "genre kept", "kept genre Indie (policy fill)"),
        (FILL, [], 2, ("Rock", "Hip-Hop"), "genre written", "genre Rock 0.70, Hip-Hop 0.25"),
        (FILL, [], 3, ("Rock", "Hip-Hop"), "genre written", "genre Rock 0.70, Hip-Hop 0.25"),
        (APPEND, ["Indie"], 1, ("Indie", "Rock"), "genre added", "added Rock to Indie"),
        (APPEND, ["hip hop"], 2, ("hip hop", "Rock"), "genre added", "added Rock to hip hop"),
        (APPEND, ["ROCK"], 1, None, "genre unchanged", "genre is ROCK already"),
        (APPEND, ["Other"], 1, ("Rock",), "genre written", "genre Rock 0.70 in place of Other"),
        (APPEND, ["Other", "Indie"], 1, ("Indie", "Rock"), "genre added", "added Rock to Indie"),
        (APPEND, ["Other", "Rock"], 1, None, "genre unchanged", "genre is Other, Rock already"),
        (APPEND, [], 1, ("Rock",), "genre written", "genre Rock 0.70"),
        (OVERWRITE, ["Indie"], 1, ("Rock",), "genre written", "genre Rock 0.70 in place of Indie"),
        (OVERWRITE, ["Rock"], 1, None, "genre unchanged", "genre is Rock already"),
    ],
)  # fmt: skip
def test_genre(policy, standing, max_genres, after, outcome, reason):
    decision = run(standing, policy=policy, max_genres=max_genres)
    assert (genre_after(decision), decision.outcome.value, decision.reason) == (
        after,
        outcome,
        reason,
    )


@pytest.mark.parametrize("policy", [FILL, APPEND, OVERWRITE])
def test_unsure_leaves_the_genre_and_says_why(policy):
    decision = run(["Other"], UNSURE, policy=policy, thresholds={"Rock": 0.6})
    assert genre_after(decision) is None
    assert decision.outcome is GenreOutcome.ABSTAINED
    assert decision.reason == "unsure: Rock 0.41 is below 0.60"


def test_a_near_miss_is_not_called_equal():
    close = Prediction((("Rock", 0.598), ("Pop", 0.402)), None)
    assert run((), close, min_confidence=0.6).reason == "unsure: Rock 0.598 is below 0.600"


def test_one_confidence_for_all_beats_those_by_genre():
    strict = {"Rock": 0.9}
    assert run(thresholds=strict).outcome is GenreOutcome.ABSTAINED
    assert run(thresholds=strict, min_confidence=0.3).outcome is GenreOutcome.WRITTEN
    assert run(min_confidence=0.7).outcome is GenreOutcome.WRITTEN
    assert run(thresholds={}).outcome is GenreOutcome.WRITTEN
    assert run((), UNSURE, thresholds={}).outcome is GenreOutcome.ABSTAINED


def test_own_fields_are_written_whatever_becomes_of_the_genre():
    own = {
        TagChange("GENRETAG_GENRES", (), ("Rock=0.70", "Hip-Hop=0.25", "Jazz=0.05")),
        TagChange("GENRETAG_CLUSTER", (), ("Type 3",)),
        TagChange("GENRETAG_MODEL", (), ("m1",)),
        TagChange("GENRETAG_VERSION", (), ("1.0",)),
    }
    assert set(run(["Classical"]).changes) == own
    assert set(run(min_confidence=0.99).changes) == own
    assert set(run().changes) == own | {TagChange("GENRE", (), ("Rock",))}


def test_small_probabilities_are_not_listed_but_the_first_is():
    flat = Prediction((("A", 0.044), ("B", 0.043), ("C", 0.01)), None)
    listed = {c.field: c.after for c in run((), flat).changes}
    assert listed["GENRETAG_GENRES"] == ("A=0.04",)
    assert "GENRETAG_CLUSTER" not in listed


def test_what_is_written_already_is_not_written_again():
    first = run()
    standing = {c.field: c.after for c in first.changes}
    genre = standing.pop("GENRE")
    again = run(genre, others=standing)
    assert again.changes == ()
    assert again.outcome is GenreOutcome.KEPT
    assert run(genre, others=standing, version="2.0").changes == ()  # an upgrade alone
    new_model = decide(
        CurrentTags("MP4", {"GENRE": genre, **standing}), SURE, PolicySettings(), "m2", "2.0"
    )
    assert {c.field for c in new_model.changes} == {"GENRETAG_MODEL", "GENRETAG_VERSION"}
