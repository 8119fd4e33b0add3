"""Small real files of every format, made on the spot."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mutagen.ogg
import numpy as np
import soundfile as sf

from tagger.domain import Replacement
from tagger.tags.writer import Recorded

FORMATS = ("mp3", "flac", "vorbis", "opus", "oggflac", "m4a", "m4a-moov-last", "wav", "aiff")
ID3_FORMATS = ("mp3", "wav", "aiff")
VORBIS_FORMATS = ("flac", "vorbis", "opus", "oggflac")
MP4_FORMATS = ("m4a", "m4a-moov-last")

_SOUNDFILE = {
    "mp3": ("MP3", "MPEG_LAYER_III", 44100),
    "flac": ("FLAC", "PCM_16", 44100),
    "vorbis": ("OGG", "VORBIS", 44100),
    "opus": ("OGG", "OPUS", 48000),
    "wav": ("WAV", "PCM_16", 44100),
    "aiff": ("AIFF", "PCM_16", 44100),
}
MP4_SAMPLES = (b"first sample", b"second", b"the third sample")


@functools.cache
def content(name: str) -> bytes:
    """Bytes of an untagged file of this format."""
    if name in MP4_FORMATS:
        return mp4(moov_last=name.endswith("last"))
    if name == "oggflac":
        return oggflac()
    container, subtype, sr = _SOUNDFILE[name]
    t = np.arange(sr // 2) / sr
    y = 0.3 * np.sin(2 * np.pi * 330 * t) + 0.02 * np.random.default_rng(1).standard_normal(t.size)
    buffer = io.BytesIO()
    sf.write(buffer, y, sr, format=container, subtype=subtype)
    data = buffer.getvalue()
    if name == "mp3":  # the encoder's own tags, if any, would blur what a test begins with
        data = data[data.index(b"\xff\xfb") :]
    return data


def make(folder: Path, name: str) -> Path:
    """An untagged file of this format in a folder."""
    path = folder / f"sample.{name.partition('-')[0]}"
    path.write_bytes(content(name))
    return path


def atom(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, name) + body


def mp4(*, moov_last: bool) -> bytes:
    """A minimal M4A file whose ``stco`` points at each of :data:`MP4_SAMPLES`."""
    ftyp = atom(b"ftyp", b"M4A \0\0\0\0M4A isom")
    mdat = atom(b"mdat", *MP4_SAMPLES)
    moov_size = len(_moov([0] * len(MP4_SAMPLES)))
    at = len(ftyp) + 8 + (0 if moov_last else moov_size)
    offsets = []
    for sample in MP4_SAMPLES:
        offsets.append(at)
        at += len(sample)
    moov = _moov(offsets)
    return ftyp + (mdat + moov if moov_last else moov + mdat)


def mp4_samples(data: bytes) -> list[bytes]:
    """What the ``stco`` table of :func:`mp4` points at."""
    at = data.index(b"stco") + 8
    (count,) = struct.unpack_from(">I", data, at)
    offsets = struct.unpack_from(f">{count}I", data, at + 4)
    return [data[o : o + len(s)] for o, s in zip(offsets, MP4_SAMPLES, strict=True)]


def _moov(offsets: list[int]) -> bytes:
    zero = bytes(4)
    n = len(offsets)
    mvhd = atom(b"mvhd", zero * 3, struct.pack(">II", 44100, 3072), bytes(80))
    tkhd = atom(b"tkhd", b"\0\0\0\7", bytes(80))
    mdhd = atom(b"mdhd", zero * 3, struct.pack(">II", 44100, 3072), zero)
    hdlr = atom(b"hdlr", zero * 2, b"soun", bytes(13))
    # ISO 14496-1 descriptors: AAC LC, 44.1 kHz, stereo
    specific = b"\5\2\x12\x10"
    decoder = b"\4" + bytes((13 + len(specific),)) + b"\x40\x15" + bytes(11) + specific
    descriptor = b"\0\1\0" + decoder + b"\6\1\2"
    esds = atom(b"esds", zero, b"\3" + bytes((len(descriptor),)) + descriptor)
    mp4a = atom(
        b"mp4a", bytes(6), b"\0\1", bytes(8), struct.pack(">HHHH", 2, 16, 0, 0),
        struct.pack(">I", 44100 << 16), esds,
    )  # fmt: skip
    stbl = atom(
        b"stbl",
        atom(b"stsd", zero, struct.pack(">I", 1), mp4a),
        atom(b"stts", zero, struct.pack(">III", 1, n, 1024)),
        atom(b"stsc", zero, struct.pack(">IIII", 1, 1, 1, 1)),
        atom(b"stsz", zero, struct.pack(f">{n + 2}I", 0, n, *map(len, MP4_SAMPLES))),
        atom(b"stco", zero, struct.pack(">I", n), *(struct.pack(">I", o) for o in offsets)),
    )  # fmt: skip
    minf = atom(b"minf", atom(b"smhd", bytes(8)), stbl)
    trak = atom(b"trak", tkhd, atom(b"mdia", mdhd, hdlr, minf))
    return atom(b"moov", mvhd, trak)


def oggflac() -> bytes:
    """FLAC in Ogg: real headers, and packets that stand for frames."""
    flac = content("flac")
    streaminfo = b"\0" + flac[5 : 8 + 34]
    comment = struct.pack("<I", 4) + b"test" + struct.pack("<I", 0)
    application = b"\x82" + (8).to_bytes(3, "big") + b"testdata"
    packets = [
        [b"\x7fFLAC\1\0\0\2fLaC" + streaminfo],
        [b"\4" + len(comment).to_bytes(3, "big") + comment, application],
        [b"\xff\xf8" + bytes(range(200)), b"\xff\xf8" + bytes(700)],
    ]
    data = b""
    for number, group in enumerate(packets):
        page = mutagen.ogg.OggPage()
        page.packets, page.sequence, page.serial = group, number, 7
        page.first, page.last = number == 0, number == 2
        page.position = 8192 if number == 2 else 0
        data += page.write()
    return data


def set_trailer(path: Path, *, genre: int = 17, ape: dict[str, str] | None = None) -> bytes:
    """Put APEv2 (optionally) and ID3v1 behind an MP3; gives the bytes that were added."""
    trailer = b""
    if ape:
        items = b"".join(
            struct.pack("<II", len(v.encode()), 0) + k.encode() + b"\0" + v.encode()
            for k, v in ape.items()
        )
        fields = struct.pack("<III", 2000, len(items) + 32, len(ape))
        header = b"APETAGEX" + fields + struct.pack("<I", 0xA0000000) + bytes(8)
        footer = b"APETAGEX" + fields + struct.pack("<I", 0x80000000) + bytes(8)
        trailer += header + items + footer
    trailer += b"TAG" + b"Old Title".ljust(30, b"\0") + b"Old Artist".ljust(30, b"\0")
    trailer += b"Album".ljust(30, b"\0") + b"1999" + b"note".ljust(28, b"\0") + b"\0\x05"
    trailer += bytes((genre,))
    with path.open("ab") as file:
        file.write(trailer)
    return trailer


def recorder() -> tuple[list[Replacement], Recorded]:
    """What the writer calls to keep a replacement, and the list where it is kept."""
    kept: list[Replacement] = []

    @contextmanager
    def recorded(replacement: Replacement) -> Iterator[None]:
        yield
        kept.append(replacement)

    return kept, recorded
