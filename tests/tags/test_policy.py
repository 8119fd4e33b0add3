from __future__ import annotations

import pytest

from tagger.domain import Candidate, CurrentTags, Policy, Prediction, TagChange
from tagger.tags.policy import Decision, GenreOutcome, PolicySettings, decide, sure_enough

SURE = Prediction((("Rock", 0.7), ("Hip-Hop", 0.25), ("Jazz", 0.05)), "Type 3")
UNSURE = Prediction((("Rock", 0.41), ("Jazz", 0.39), ("Pop", 0.2)), None)
FILL, APPEND, OVERWRITE = Policy.FILL, Policy.APPEND, Policy.OVERWRITE


def words(*pairs: tuple[str, float], threshold: float = 0.5) -> tuple[Candidate, ...]:
    """Candidates, each from a label of its own name."""
    return tuple(Candidate(word, p, threshold, (word,)) for word, p in pairs)


def run(
    standing=(),
    prediction=SURE,
    candidates=None,
    *,
    threshold=0.5,
    version="1.0",
    others=None,
    album=0,
    **settings,
) -> Decision:
    values = {"GENRE": tuple(standing)} if standing else {}
    current = CurrentTags("ID3v2.4", {**values, **(others or {})})
    if candidates is None:
        candidates = words(*prediction.genres, threshold=threshold)
    wanted = PolicySettings(**settings)
    return decide(current, prediction, candidates, wanted, "m1", version, album=album)


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
    decision = run(["Other"], UNSURE, policy=policy, threshold=0.6)
    assert genre_after(decision) is None
    assert decision.outcome is GenreOutcome.ABSTAINED
    assert decision.reason == "unsure: Rock 0.41 is below 0.60"


def test_a_near_miss_is_not_called_equal():
    close = Prediction((("Rock", 0.598), ("Pop", 0.402)), None)
    assert run((), close, threshold=0.6).reason == "unsure: Rock 0.598 is below 0.600"


def test_only_the_first_words_threshold_counts():
    further = Candidate("Pop", 0.3, 0.9, ("Pop",))
    first = Candidate("Rock", 0.7, 0.7, ("Rock",))
    assert sure_enough((first, further), 2) == (first, further)
    assert sure_enough((first, further), 1) == sure_enough((first, further), 0) == (first,)
    assert sure_enough((Candidate("Rock", 0.69, 0.7, ("Rock",)), further), 2) == ()
    assert sure_enough((), 2) == ()


@pytest.mark.parametrize(
    ("probability", "enough"), [(0.25, True), (0.249, False), (0.75, True), (0.0, False)]
)
def test_a_further_word_must_not_be_far_behind(probability, enough):
    candidates = words(("Rock", 0.75), ("Pop", probability))
    assert (len(sure_enough(candidates, 5)) == 2) is enough


def test_the_genre_is_the_vocabularys_word_and_what_was_heard_the_models_label():
    dance = (Candidate("Dance", 0.95, 0.6, ("Rock", "Hip-Hop")),)
    after = {c.field: c.after for c in run((), SURE, dance).changes}
    assert after["GENRE"] == ("Dance",)
    assert after["GENRETAG_GENRES"] == ("Rock=0.70", "Hip-Hop=0.25", "Jazz=0.05")


def test_a_vocabulary_without_a_word_for_it():
    decision = run(["Other"], SURE, ())
    assert genre_after(decision) is None
    assert decision.outcome is GenreOutcome.ABSTAINED
    assert decision.reason == "unsure: the vocabulary has no word for what was heard"
    assert {c.field for c in decision.changes} > {"GENRETAG_GENRES", "GENRETAG_MODEL"}


@pytest.mark.parametrize(
    ("standing", "policy", "threshold", "reason"),
    [
        ([], FILL, 0.5, "genre Rock 0.70 (album of 12 tracks)"),
        ([], FILL, 0.9, "unsure: Rock 0.70 is below 0.90 (album of 12 tracks)"),
        (["Indie"], APPEND, 0.5, "added Rock to Indie (album of 12 tracks)"),
        (["Rock"], OVERWRITE, 0.5, "genre is Rock already (album of 12 tracks)"),
        (["Indie"], FILL, 0.5, "kept genre Indie (policy fill)"),  # no album had a say in it
    ],
)
def test_an_albums_words_and_the_tracks_own_fields(standing, policy, threshold, reason):
    candidates = words(("Rock", 0.7), threshold=threshold)
    decision = run(standing, UNSURE, candidates, policy=policy, album=12)
    assert decision.reason == reason
    own = next(c.after for c in decision.changes if c.field == "GENRETAG_GENRES")
    assert own == ("Rock=0.41", "Jazz=0.39", "Pop=0.20")


@pytest.mark.parametrize("album", [0, 1])
def test_an_album_of_one_is_none(album):
    assert run(album=album).reason == "genre Rock 0.70"


def test_own_fields_are_written_whatever_becomes_of_the_genre():
    own = {
        TagChange("GENRETAG_GENRES", (), ("Rock=0.70", "Hip-Hop=0.25", "Jazz=0.05")),
        TagChange("GENRETAG_CLUSTER", (), ("Type 3",)),
        TagChange("GENRETAG_MODEL", (), ("m1",)),
        TagChange("GENRETAG_VERSION", (), ("1.0",)),
    }
    assert set(run(["Classical"]).changes) == own
    assert set(run(threshold=0.99).changes) == own
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
        CurrentTags("MP4", {"GENRE": genre, **standing}),
        SURE,
        words(*SURE.genres),
        PolicySettings(),
        "m2",
        "2.0",
    )
    assert {c.field for c in new_model.changes} == {"GENRETAG_MODEL", "GENRETAG_VERSION"}
