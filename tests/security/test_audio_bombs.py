"""Small files whose headers claim days of sound, billions of channels or gigabytes of tags.

One scan goes over them all, with less memory than any of them asks for.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import synth
from cli.running import GENRETAG, report_of, surroundings

from tagger.errors import TagsRefusedError
from tagger.report.terminal import listed
from tagger.tags.read import read_tags

GIB: Final = 1 << 30
_MEMORY: Final = 4 * GIB
_SPARSE: Final = 3_500_000_000
_TIME_S: Final = 60.0
_DAMAGED = "damaged"


def riff(data: bytes, size: int, *, channels: int = 1, rate: int = 22_050) -> bytes:
    """A WAV file of 16 bits whose chunk of samples says that it has ``size`` bytes."""
    align = 2 * channels & 0xFFFF
    head = struct.pack("<HHIIHH", 1, channels, rate, rate * align & 0xFFFFFFFF, align, 16)
    return (
        b"RIFF" + struct.pack("<I", min(36 + size, 0xFFFFFFFF)) + b"WAVE"
        + b"fmt " + struct.pack("<I", 16) + head
        + b"data" + struct.pack("<I", size) + data
    )  # fmt: skip


def au(data: bytes, channels: int) -> bytes:
    return b".snd" + struct.pack(">IIIII", 24, 0xFFFFFFFF, 3, 22_050, channels) + data


def rf64(data: bytes) -> bytes:
    sizes = struct.pack("<QQQI", 1 << 62, 1 << 62, 1 << 61, 0)
    wav = riff(data, 0xFFFFFFFF)
    return b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", 28) + sizes + wav[12:]


def streaminfo(flac: bytes, *, rate: int = 22_050, channels: int = 1, frames: int = 0) -> bytes:
    """A FLAC whose first block says that of itself."""
    packed = rate << 44 | (channels - 1) << 41 | 15 << 36 | frames
    return flac[:18] + packed.to_bytes(8, "big") + flac[26:]


def flac_with(flac: bytes, kind: int, block: bytes, size: int | None = None) -> bytes:
    """A FLAC with a block of metadata behind the first, and none but that."""
    audio = flac[flac.index(b"\xff\xf8") :]
    header = bytes((0x80 | kind,)) + (len(block) if size is None else size).to_bytes(3, "big")
    return flac[:4] + bytes((flac[4] & 0x7F,)) + flac[5:42] + header + block + audio


def ogg_crc(page: bytes) -> bytes:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return struct.pack("<I", crc)


def last_granule(ogg: bytes, granule: int) -> bytes:
    """An Ogg file whose last page says that it ends there."""
    at = ogg.rindex(b"OggS")
    page = bytearray(ogg[at:])
    page[6:14], page[22:26] = struct.pack("<q", granule), bytes(4)
    page[22:26] = ogg_crc(page)
    return ogg[:at] + bytes(page)


def xing(mp3: bytes, frames: int) -> bytes:
    at = max(mp3.find(b"Xing"), mp3.find(b"Info"))
    return mp3[: at + 8] + struct.pack(">I", frames) + mp3[at + 12 :]


def id3(frames: bytes, size: int | None = None) -> bytes:
    size = len(frames) if size is None else size
    return b"ID3\x03\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + frames


def sized_frame(size: int) -> bytes:
    return b"APIC" + struct.pack(">IH", size, 0) + b"\0image/png\0\3\0" + bytes(500)


def comments(*values: bytes, count: int | None = None) -> bytes:
    count = len(values) if count is None else count
    sized = b"".join(struct.pack("<I", len(value)) + value for value in values)
    return struct.pack("<II", 0, count) + sized


def aiff_rate(aiff: bytes, rate: bytes) -> bytes:
    at = aiff.index(b"COMM") + 16
    return aiff[:at] + rate + aiff[at + 10 :]


Sounds = dict[str, bytes]
BOMBS: Final[dict[str, tuple[Callable[[Sounds], bytes], str]]] = {
    "days.wav": (lambda s: riff(s["pcm"], 0xFFFFFFFE), "longer than its header can say"),
    "years.wav": (lambda s: rf64(s["pcm"]), "(RF64) are not supported"),
    "chunk.wav": (
        lambda s: riff(s["pcm"], 9)[:36] + b"LIST\xf0\xff\xff\xffINFO" + s["pcm"],
        _DAMAGED,
    ),
    "channels.wav": (lambda s: riff(s["pcm"], len(s["pcm"]), channels=65_535), "65,535 channels"),
    "1024.wav": (lambda s: riff(s["pcm"], 0x7FFFF800, channels=1024), "1,024 channels"),
    "billions.wav": (lambda s: au(s["pcm"], 2**31 - 1), "2,147,483,647 channels"),
    "rate.wav": (lambda s: riff(s["pcm"], len(s["pcm"]), rate=2**31 - 1), "sample rate of"),
    "rate.aiff": (lambda s: aiff_rate(s[".aiff"], b"\x40\x1d" + bytes((128,)) + bytes(7)), "rate"),
    "frames.flac": (lambda s: streaminfo(s[".flac"], frames=(1 << 36) - 1), _DAMAGED),
    "rate.flac": (lambda s: streaminfo(s[".flac"], rate=655_350, frames=110_250), "too short"),
    "channels.flac": (lambda s: streaminfo(s[".flac"], channels=8, frames=110_250), _DAMAGED),
    "picture.flac": (lambda s: flac_with(s[".flac"], 6, b"", 0xFFFFFF), _DAMAGED),
    "comments.flac": (
        lambda s: flac_with(s[".flac"], 4, comments(count=0xFFFFFFFF)),
        _DAMAGED,
    ),
    "genres.flac": (
        lambda s: flac_with(s[".flac"], 4, comments(b"GENRE=" + b"a;" * 4_000_000)),
        "the genre takes more than",
    ),
    "ages.ogg": (lambda s: last_granule(s[".ogg"], 1 << 62), _DAMAGED),
    "ages.opus": (lambda s: last_granule(s[".opus"], 1 << 62), _DAMAGED),
    "back.ogg": (lambda s: last_granule(s[".ogg"], -(1 << 40)), _DAMAGED),
    "tag.mp3": (lambda s: id3(b"", (1 << 28) - 1) + s[".mp3"], _DAMAGED),
    "picture.mp3": (lambda s: id3(sized_frame(0x7FFFFFFF)) + s[".mp3"], "the ID3 tag is damaged"),
    "frames.mp3": (
        lambda s: id3((b"TXXX" + struct.pack(">IH", 3, 0) + b"\0a\0") * 60_000) + s[".mp3"],
        "more than 50000 frames",
    ),
    "tags.mp3": (lambda s: id3(b"") * 20_000 + s[".mp3"], _DAMAGED),
    "sync.mp3": (lambda s: b"\xff" * 5_000_000, _DAMAGED),
    "atoms.m4a": (
        lambda s: b"\0\0\0\x0cftypM4A \0\0\0\1moov" + struct.pack(">Q", 1 << 62) + bytes(5000),
        _DAMAGED,
    ),
}
"""What a file holds, and what is said of it."""


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Sounds:
    folder = tmp_path_factory.mktemp("sounds")
    found = {}
    for suffix in (".wav", ".aiff", ".flac", ".mp3", ".ogg", ".opus"):
        sr = 48_000 if suffix == ".opus" else 22_050
        found[suffix] = synth.write(folder / f"a{suffix}", synth.song(5.0, sr), sr).read_bytes()
    return {**found, "pcm": found[".wav"][44:]}


def sparse(path: Path, head: bytes) -> bool:
    """Make a file of gigabytes that takes no room, where the file system can."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(_SPARSE + len(head))
    return path.stat().st_blocks * 512 < GIB


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory, sounds: Sounds):
    """What one scan says, by file, and how it ended."""
    resource = pytest.importorskip("resource")
    top = tmp_path_factory.mktemp("bombs")
    folder = top / "music"
    folder.mkdir()
    for name, (make, _) in BOMBS.items():
        (folder / name).write_bytes(make(sounds))
    for name, channels in (("sparse.wav", 1), ("sparse1024.wav", 1024)):
        if not sparse(folder / name, riff(b"", _SPARSE, channels=channels)):
            (folder / name).unlink()
    synth.write(folder / "song.flac", synth.song(5.0))
    report = top / "report.jsonl"
    run = subprocess.run(
        [*GENRETAG, "scan", "-n", "--jobs", "1", folder, "--report", report],
        env=surroundings(
            GENRETAG_CACHE_DIR=str(top / "c"),
            GENRETAG_STATE_DIR=str(top / "s"),
            PATH=str(top),  # no ffmpeg, which makes sound of some of them
        ),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY)),
        capture_output=True,
        text=True,
        timeout=_TIME_S,
    )
    assert run.returncode == 1, run.stderr
    tracks, _ = report_of(report)
    return tracks, run


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux alone")


@pytest.mark.parametrize("name", BOMBS)
def test_one_line_says_what_is_wrong(scanned, name):
    tracks, run = scanned
    assert tracks[name]["status"] in {"failed", "skipped"}
    assert BOMBS[name][1] in tracks[name]["reason"]
    (line,) = [line for line in run.stderr.splitlines() if f"/{name}: " in line]
    assert tracks[name]["reason"] in line


def test_nothing_else_is_said(scanned):
    """No decoder of ours speaks by itself, and no failure is unforeseen."""
    tracks, run = scanned
    first, *lines = run.stderr.splitlines()
    assert first.startswith("Dry run")
    assert len(lines) == sum(t["status"] in {"failed", "skipped"} for t in tracks.values())
    assert "unexpected" not in run.stderr


def test_gigabytes_of_nothing(scanned):
    tracks, _ = scanned
    for name, said in (("sparse.wav", "silent"), ("sparse1024.wav", "1,024 channels")):
        if name not in tracks:
            pytest.skip("this file system has no sparse files")
        assert said in tracks[name]["reason"]
    assert tracks["song.flac"]["heard_s"] == 5.0


def test_tags_without_end(tmp_path, sounds):
    path = tmp_path / "a.flac"
    path.write_bytes(flac_with(sounds[".flac"], 4, comments(b"GENRE=" + b"a" * 200_000)))
    (genre,) = read_tags(path).values["GENRE"]
    assert listed((genre,)) == "a" * 1000 + "… (200,000 characters)"
    path.write_bytes(flac_with(sounds[".flac"], 4, comments(b"GENRE=" + b"a" * 300_000)))
    with pytest.raises(TagsRefusedError, match="the genre takes more than"):
        read_tags(path)
    path.write_bytes(flac_with(sounds[".flac"], 4, comments(*[b""] * 100_001)))
    with pytest.raises(TagsRefusedError, match="more than 100,000 Vorbis comments"):
        read_tags(path)
