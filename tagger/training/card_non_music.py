"""What the model card says of the judge of what is no music."""

from __future__ import annotations

from typing import Any

__all__ = ["non_music", "weakness"]


def weakness(judged: dict[str, Any] | None) -> str:
    """What the judge is known to get wrong, in Markdown; or that there is none.

    Args:
        judged: from :func:`tagger.training.music_judge.judge_sounds`.
    """
    if judged is None:
        return (
            "- Whether a track is music is not judged; silence and very short tracks are left out "
            "before."
        )
    speech = judged["recorded"].get("speech")
    spoken = (
        f"of recorded speech in languages\n  that were not learned from {100 * speech['unseen']:.0f} % are "
        "refused; radio, speech over music and singing without music were not measured. "
        if speech
        else ""
    )
    return (
        f"- What is no music was learned from sounds most of which were made: {spoken}Music that is\n"
        "  hardly more than one held sound, or one instrument alone, may be refused."
    )


def non_music(judged: dict[str, Any] | None) -> str:
    """The card's section about the judge, in Markdown, empty without one.

    Args:
        judged: as for :func:`weakness`.
    """
    if judged is None:
        return ""
    kinds = "\n".join(
        f"| {kind} | {of['n']} | {100 * of['seen']:.1f} % | {100 * of['unseen']:.1f} % "
        f"| {100 * of['named']:.1f} % |"
        for kind, of in judged["kinds"].items()
    )
    families = "\n".join(
        f"| {of['source']} | {of['kind']} | {of['family']} | {of['n']} | {of['refused']} |"
        for of in judged["families"]
    )
    elsewhere = "\n".join(
        f"| {of['what']} | {of['n']} | {of['refused']} |" for of in judged["elsewhere"]
    )
    curve = "\n".join(
        f"| {p['threshold']:.2f} | {100 * p['music']:.2f} % | {100 * p['other']:.1f} % |"
        for p in judged["curve"]
    )
    real, made = judged["music"]["real"], judged["music"]["made"]
    chosen = judged.get("chosen")
    weighed = (
        f"(Its odds are weighed so that what\nthe fit calls {chosen:.2f} is an even chance: there no "
        "more than 1 % of the recorded music is refused.)\n"
        if chosen
        else ""
    )
    recorded_rows = "".join(
        f"\n| {kind}, recorded | {of['n']} | {100 * of['seen']:.1f} % | {100 * of['unseen']:.1f} % | |"
        for kind, of in judged["recorded"].items()
    )
    return f"""
## What is no music

A logistic regression on the same features tells music from speech, noise and tones; a track that is
none with a probability of {judged["threshold"]:.2f} or more gets no genre. {weighed}Music: GTZAN, Emotify (whole, and one
stretch of 5 to 16 s each), the free music, and {made["n"]} made clips of what those lack (drones, pads, one
voice, drums). Other sounds are recorded ones among the free music (rain, wind, places, machines, two voices, by their
names); recorded speech (announcements read by professionals, and words, letters and syllables that volunteers say in
some thirty languages, put one behind another; `python -m tagger.training.recorded_speech` fetches it); and made ones,
written to a file and decoded again: 16 families of noise, 10 of tones, and speech of espeak-ng, flite and festival.
Made by `python -m tagger.training.non_music DATA --music MUSIC --speech SPEECH`.

Refused, by fits that saw nothing of the same artist, family of sounds or voice (unseen), and by fits
that saw other clips of the family or voice (seen); named: the likeliest kind is the right one. Of recorded sounds a package
or a language is a family.

| no music | clips | seen | unseen | named |
|---|---|---|---|---|
{kinds}{recorded_rows}

Of {real["n"]} clips of recorded music, of artists not seen, {100 * real["refused"]:.2f} % were refused by mistake; of the
{made["n"]} made ones {100 * made["seen"]:.1f} % (family seen) and {100 * made["unseen"]:.1f} % (unseen). The threshold was chosen on these
same clips. Each row here was judged by a fit that saw nothing of that source:

| source | clips | refused |
|---|---|---|
{elsewhere}

| threshold | music refused | other sounds refused |
|---|---|---|
{curve}

Unseen artists, families and voices, one by one:

| source | kind | family | clips | refused |
|---|---|---|---|---|
{families}
"""
