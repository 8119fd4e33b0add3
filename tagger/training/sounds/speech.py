"""Speech from the synthesisers that distributions carry: espeak-ng, flite, festival.

They are called as programs; nothing of theirs becomes part of genretag.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import soundfile
import soxr

from tagger.training.sounds.shaping import Samples, band, coloured, levelled, reverberated

__all__ = ["STYLES", "VOICES", "Voice", "missing_programs", "mute_voices", "say", "speech"]

Random = np.random.Generator

_PROGRAMS: Final = {"espeak": "espeak-ng", "flite": "flite", "festival": "text2wave"}


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody who speaks.

    Attributes:
        engine: ``espeak``, ``flite`` or ``festival``.
        name: as the engine calls the voice.
        language: key of the texts that it reads.
    """

    engine: str
    name: str
    language: str

    def __str__(self) -> str:
        return f"{self.engine} {self.name}"


_ESPEAK: Final = {
    "en": ("en-us", "en-gb+f2", "en-us+m3", "en-gb-scotland+m7", "en-us+f4", "en-us+whisper",
           "en-gb+klatt2", "en-us+croak", "en-gb+grandma", "en-us+m5"),
    "de": ("de", "de+f3", "de+m1", "de+klatt", "de+f5"),
    "fr": ("fr-fr", "fr-fr+f1", "fr-be+m4", "fr-fr+klatt4"),
    "es": ("es", "es+f2", "es-419+m6", "es-419+f4"),
    "it": ("it", "it+f3", "it+m2"),
    "pl": ("pl+f1", "pl", "pl+m8"),
    "ru": ("ru", "ru+f2", "ru+m4"),
    "sv": ("sv+f3", "sv+m1"),
    "fi": ("fi", "fi+f5"),
    "cs": ("cs+f2", "cs+m7"),
    "ca": ("ca", "ca+f1"),
}  # fmt: skip

VOICES: Final = (
    *(Voice("espeak", name, language) for language, names in _ESPEAK.items() for name in names),
    *(Voice("flite", name, "en") for name in ("kal16", "awb", "rms", "slt")),
    Voice("festival", "kal_diphone", "en"),
    Voice("festival", "cmu_us_slt_arctic_hts", "en"),
    Voice("festival", "lp_diphone", "it"),
    Voice("festival", "czech_ph", "cs"),
    Voice("festival", "upc_ca_ona_hts", "ca"),
    Voice("festival", "suo_fi_lj_diphone", "fi"),
)
"""Everybody. The engines differ in how they make a voice: formants, diphones cut from
recordings, statistical models of recordings."""

STYLES: Final = ("reading", "room", "noisy", "telephone", "dialogue", "crowd")
"""How :func:`speech` can present what is said."""

_TEXTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "en": (
            "The ferry was late again, and nobody on the quay seemed to mind.",
            "She put the letter back into its envelope, folded twice, and said nothing at all.",
            "Chapter four. In which the weather turns, and an old acquaintance comes to dinner.",
            "Good evening. These are the headlines at nine o'clock on Thursday.",
            "If you mix the flour with cold water first, it will not form any lumps.",
            "We measured the depth of the lake at forty places, and no two were the same.",
            "Well, I would not put it like that. He asked for it, did he not?",
            "Please stay on the line; one of our colleagues will be with you shortly.",
            "There are three reasons for that, and the first one is rather dull.",
            "Yes. No. Perhaps on Monday, if the train is running by then.",
        ),
        "de": (
            "Der Zug nach Lindau fährt heute ausnahmsweise von Gleis sieben.",
            "Als er die Tür öffnete, roch es nach Kaffee und nach frisch gewaschener Wäsche.",
            "Guten Abend, meine Damen und Herren, zunächst die Übersicht.",
            "Man nehme drei Eier, etwas Salz, und rühre, bis nichts mehr klebt.",
            "Das habe ich so nie gesagt, und wenn, dann nicht vor Zeugen.",
            "Zweites Kapitel. Wie die Kinder den alten Turm fanden.",
        ),
        "fr": (
            "Le marché ouvre à sept heures, mais les meilleurs légumes partent avant.",
            "Elle avait gardé toutes ses lettres dans une boîte en fer.",
            "Bonsoir à tous, voici les titres de ce journal.",
            "Je ne sais pas si vous vous souvenez de cette maison au bord du canal.",
            "Il faut remuer doucement, puis laisser reposer une demi-heure.",
        ),
        "es": (
            "La farmacia de la esquina cierra a las ocho y media.",
            "Nadie supo nunca quién había dejado la carta sobre la mesa.",
            "Buenas noches, estas son las noticias más importantes del día.",
            "Primero se pelan las patatas y luego se cortan en rodajas finas.",
            "Si no llueve mañana, iremos andando hasta el faro.",
        ),
        "it": (
            "Il treno per Bologna è in partenza dal binario quattro.",
            "Non c'era nessuno in piazza, solo un cane che dormiva al sole.",
            "Buonasera, ecco le notizie principali di oggi.",
            "Prima si scalda l'olio, poi si aggiunge l'aglio tritato.",
        ),
        "pl": (
            "Pociąg do Gdańska odjedzie z toru drugiego przy peronie trzecim.",
            "Babcia mówiła, że w tym domu nigdy nie było cicho.",
            "Dobry wieczór, oto najważniejsze wiadomości dnia.",
        ),
        "ru": (
            "Поезд на Казань отправляется с третьего пути.",
            "В комнате было темно, и только за окном горел фонарь.",
            "Добрый вечер, в эфире новости.",
        ),
        "sv": (
            "Tåget mot Malmö är försenat med tolv minuter.",
            "Hon ställde cykeln mot väggen och gick in utan att knacka.",
            "God kväll, här är dagens nyheter.",
        ),
        "fi": (
            "Juna Tampereelle lähtee raiteelta viisi.",
            "Talo oli hiljainen, vain kello kävi seinällä.",
            "Hyvää iltaa, tässä päivän uutiset.",
        ),
        "cs": (
            "Vlak do Brna odjíždí z druhého nástupiště.",
            "Na stole ležel dopis, který nikdo neotevřel.",
            "Dobrý večer, toto jsou dnešní zprávy.",
        ),
        "ca": (
            "El tren de Girona surt de la via quatre.",
            "Ningú no sabia qui havia deixat la porta oberta.",
            "Bona nit, aquestes són les notícies del dia.",
        ),
    }
)


def missing_programs() -> list[str]:
    """The synthesisers that are not installed."""
    return [program for program in _PROGRAMS.values() if not shutil.which(program)]


def mute_voices() -> list[str]:
    """The voices that say nothing: most often their package is not installed. Takes seconds, as
    each is asked to speak."""
    mute = []
    for voice in VOICES:
        try:
            say(np.random.default_rng(0), voice, "1", 22_050)
        except (RuntimeError, soundfile.LibsndfileError):
            mute.append(str(voice))
    return mute


def say(rng: Random, voice: Voice, text: str, sr: int) -> Samples:
    """One text in one voice, at a random pitch and speed where the engine has them.

    Raises:
        RuntimeError: the synthesiser fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "said.wav"
        pitch, speed = int(rng.integers(20, 80)), int(rng.integers(120, 210))
        stretch = rng.uniform(0.85, 1.25)
        command = {
            "espeak": ["espeak-ng", "-v", voice.name, "-p", str(pitch), "-s", str(speed),
                       "-w", str(out), text],
            "flite": ["flite", "-voice", voice.name, "--setf", f"duration_stretch={stretch:.2f}",
                      "-t", text, "-o", str(out)],
            "festival": ["text2wave", "-o", str(out), "-eval", f"(voice_{voice.name})"],
        }[voice.engine]  # fmt: skip
        # Festival's voices are older than UTF-8.
        stdin = text.encode("iso-8859-2" if voice.language == "cs" else "iso-8859-1", "replace")
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
        if done.returncode or not out.is_file():
            raise RuntimeError(f"{voice} cannot speak: {done.stderr.decode(errors='replace')}")
        y, rate = soundfile.read(out, dtype="float64")
    return levelled(np.asarray(soxr.resample(y, rate, sr)))


def speech(rng: Random, style: str, voices: list[Voice], n: int, sr: int) -> Samples:
    """``n`` samples of people who speak: one after the other, or all at once in a crowd.

    Args:
        rng: chooses texts, pauses and the rest.
        style: one of :data:`STYLES`.
        voices: who speaks; beside a dialogue and a crowd the first one alone.
        n: length in samples.
        sr: sample rate in Hz.
    """
    if style == "crowd":
        y = np.zeros(n)
        for voice in voices * max(1, 8 // len(voices)):
            y += rng.uniform(0.3, 1) * _talk(rng, [voice], n, sr, pauses_s=(0, 0.3))
        return reverberated(rng, y, sr, rng.uniform(0.4, 1.5), rng.uniform(0.2, 0.8))
    y = _talk(rng, voices if style == "dialogue" else voices[:1], n, sr, pauses_s=(0.1, 1.2))
    if style == "room":
        y = reverberated(rng, y, sr, rng.uniform(0.2, 2.0), rng.uniform(0.1, 0.6))
    if style == "telephone":
        y = np.tanh(3 * band(y, sr, 300, 3400, order=4))
    if style in ("noisy", "telephone"):
        y = y + 10 ** rng.uniform(-2.5, -0.8) * coloured(rng, n, rng.uniform(-2, 0))
    return y


def _talk(
    rng: Random, voices: list[Voice], n: int, sr: int, pauses_s: tuple[float, float]
) -> Samples:
    said: list[Samples] = []
    length = 0
    while length < n:
        voice = voices[int(rng.integers(len(voices)))]
        texts = _TEXTS[voice.language]
        said.append(say(rng, voice, texts[int(rng.integers(len(texts)))], sr))
        said.append(np.zeros(round(rng.uniform(*pauses_s) * sr)))
        length += len(said[-1]) + len(said[-2])
    return np.concatenate(said)[:n]
