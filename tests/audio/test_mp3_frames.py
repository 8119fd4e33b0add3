from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import synth

from tagger.audio.mp3_frames import XingTag, parse_header, read_xing, xing_frame


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("fffb9064", (417, 128, 44_100, 1152, 32)),
        ("fffb9264", (418, 128, 44_100, 1152, 32)),  # padded
        ("fffbe0c4", (1044, 320, 44_100, 1152, 17)),  # mono
        ("fffbe464", (960, 320, 48_000, 1152, 32)),
        ("fff380c4", (208, 64, 22_050, 576, 9)),  # MPEG 2
        ("ffe38864", (576, 64, 8_000, 576, 17)),  # MPEG 2.5
    ],
)
def test_a_header_tells_its_frame(header: str, expected: tuple[int, ...]) -> None:
    frame = parse_header(bytes.fromhex(header))
    assert frame is not None
    assert (frame.length, frame.kbps, frame.sr, frame.samples, frame.side_info) == expected
    assert frame.mean_length == pytest.approx(frame.length, abs=1)
    assert frame.length <= frame.max_length


@pytest.mark.parametrize(
    "header", ["", "fffb90", "fffa0064", "fffbf064", "fffb9c64", "ffeb9064", "fffd9064", "00fb9064"]
)
def test_what_is_no_layer_iii_header(header: str) -> None:
    assert parse_header(bytes.fromhex(header)) is None


@pytest.mark.parametrize("header", ["fffbe264", "fffae0c4", "fff38064", "ffe388c4"])
def test_a_xing_frame_says_what_it_was_given(header: str) -> None:
    data = xing_frame(bytes.fromhex(header), 1234, 567_890)
    frame, ours = parse_header(bytes.fromhex(header)), parse_header(data[:4])
    assert frame is not None
    assert ours is not None
    assert (ours.sr, ours.samples, ours.side_info) == (frame.sr, frame.samples, frame.side_info)
    assert len(data) == ours.length
    assert read_xing(data, ours) == XingTag(1234, 567_890 + len(data))


def test_the_encoder_s_delay_is_read(tmp_path: Path) -> None:
    path = synth.write(tmp_path / "a.mp3", synth.song(4.0, 44_100), 44_100)
    head = path.read_bytes()[:2048]
    frame = parse_header(head[:4])
    assert frame is not None
    xing = read_xing(head, frame)
    assert xing is not None
    assert xing.frames is not None
    assert xing.audio_bytes == path.stat().st_size
    assert xing.delay == 576  # LAME's
    assert xing.frames * 1152 - xing.delay - xing.padding == soundfile.info(path).frames
    assert read_xing(head[frame.length :], frame) is None
