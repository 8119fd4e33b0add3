from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report.reports import HOSTILE

pytest.importorskip("matplotlib")

from matplotlib.collections import PolyCollection
from matplotlib.image import AxesImage
from training.figures import texts

from tagger.domain import Prediction
from tagger.errors import UsageError
from tagger.report.timeline_plot import check_picture_path, draw_timeline, write_picture
from tagger.timeline import Stretch, Timeline

PNG = b"\x89PNG\r\n\x1a\n"
ROCK = Prediction((("Rock", 0.7), ("Jazz", 0.3), ("Ska", 0.0)), "loud")
JAZZ = Prediction((("Jazz", 0.6), ("Rock", 0.4), ("Ska", 0.0)), "calm")


def timeline(
    *answers: Prediction | str,
    stretch_s: float = 10.0,
    window_s: float = 15.0,
    path: str = "song.mp3",
    labels: tuple[str, ...] = ("Jazz", "Rock", "Ska"),
    **more: Any,
) -> Timeline:
    """A timeline whose stretches have these answers, or problems."""
    stretches = tuple(
        Stretch(
            i * stretch_s,
            (i + 1) * stretch_s,
            i * stretch_s,
            i * stretch_s + window_s,
            None if isinstance(answer, str) else answer,
            answer if isinstance(answer, str) else answer.objection,
        )
        for i, answer in enumerate(answers)
    )
    n = 4 * len(answers)
    values: dict[str, Any] = {
        "path": Path(path),
        "model": "default 1.0.0",
        "labels": labels,
        "duration_s": stretches[-1].end_s,
        "stretches": stretches,
        "envelope": np.array([[-0.25] * n, [0.5] * n], dtype=np.float32),
        "mel_db": np.linspace(-80, 0, 128 * n, dtype=np.float32).reshape(128, n),
        "mel_hz": np.geomspace(40.0, 10_000.0, 128),
    }
    return Timeline(**{**values, **more})


def outside(figure: Any) -> list[str]:
    """Words that stand outside of the figure."""
    figure.canvas.draw()
    width, height = figure.bbox.size
    visible = [axes for axes in figure.axes if axes.axison]
    words = [
        *(axes.xaxis.label for axes in visible),
        *(axes.yaxis.label for axes in visible),
        *(tick for axes in visible for tick in (*axes.get_xticklabels(), *axes.get_yticklabels())),
        *figure.texts,
    ]
    boxes = [(word.get_text(), word.get_window_extent()) for word in words if word.get_text()]
    return [
        text
        for text, box in boxes
        if box.x0 < -2 or box.y0 < -2 or box.x1 > width + 2 or box.y1 > height + 2
    ]


def panels(figure: Any) -> tuple[Any, Any, Any]:
    wave, mel, genres = (axes for axes in figure.axes if axes.get_ylabel() and axes.axison
                         and not axes.get_ylabel().startswith("dB"))  # fmt: skip
    return wave, mel, genres


def test_the_panels_hold_the_data() -> None:
    shown = timeline(ROCK, JAZZ)
    wave, mel, genres = panels(draw_timeline(shown, ROCK))
    (body,) = wave.findobj(PolyCollection)
    corners = body.get_paths()[0].vertices
    assert corners.min(axis=0).tolist() == [0, -0.25]
    assert corners.max(axis=0).tolist() == [20, 0.5]
    (image,) = mel.findobj(AxesImage)
    assert np.array_equal(image.get_array(), shown.mel_db)
    assert tuple(image.get_extent()) == (0, 20, -0.5, 127.5)
    bars = [(b.get_x(), b.get_y(), b.get_height()) for b in genres.patches if b.get_height()]
    # Rock has more in all, so it lies at the bottom.
    expected = [(0, 0, 70), (10, 0, 40), (0, 70, 30), (10, 40, 60)]
    np.testing.assert_allclose(bars, expected)


def test_axes_have_units_and_the_title_the_names() -> None:
    figure = draw_timeline(timeline(ROCK, JAZZ), ROCK)
    wave, mel, genres = panels(figure)
    assert wave.get_ylabel() == "amplitude\n(full scale = 1)"
    assert mel.get_ylabel() == "frequency (Hz, mel scale)"
    assert genres.get_ylabel() == "genre, probability (%)"
    assert genres.get_xlabel() == "time (min:s)"
    assert "dB re the loudest" in texts(figure)
    title, facts = figure.get_suptitle().split("\n")
    assert title == "song.mp3"
    assert facts == "0:20 · a scan hears Rock 70 %, Jazz 30 % · loud · model default 1.0.0"
    figure.canvas.draw()
    assert [t.get_text() for t in genres.get_xticklabels()][:2] == ["0:00", "0:02"]
    assert outside(figure) == []


def test_hertz_stand_at_their_bands() -> None:
    shown = timeline(ROCK)
    _, mel, _ = panels(draw_timeline(shown, ROCK))
    for place, label in zip(mel.get_yticks(), mel.get_yticklabels(), strict=True):
        hz = np.interp(place, np.arange(128), shown.mel_hz)
        assert hz == pytest.approx(float(label.get_text()), rel=1e-3)


def test_what_is_no_music_is_hatched_and_named() -> None:
    speech = Prediction(ROCK.genres, None, 0.02, "sounds like speech, not music (0.98)")
    figure = draw_timeline(timeline(ROCK, "silent", speech), None)
    _, _, genres = panels(figure)
    hatched = [b.get_x() for b in genres.patches if b.get_hatch()]
    assert hatched == [10, 20]
    coloured = [b.get_x() for b in genres.patches if b.get_height() and not b.get_hatch()]
    assert set(coloured) == {0}
    assert genres.get_xlabel().endswith("Hatched: silent, sounds like speech, not music")
    assert "no music" in texts(figure)
    assert "nothing for a scan to classify" in figure.get_suptitle()


def test_a_sampled_track_says_so() -> None:
    figure = draw_timeline(timeline(*[ROCK] * 240, stretch_s=75.0), ROCK)
    _, _, genres = panels(figure)
    assert genres.get_xlabel().split("\n") == [
        "time (h:min:s)", "Sampled: of every 1:15, 15 s in the middle were heard"
    ]  # fmt: skip
    figure.canvas.draw()
    boxes = [t.get_window_extent() for t in genres.get_xticklabels()]
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
    assert "5:00:00" in [t.get_text() for t in genres.get_xticklabels()]


def test_a_damaged_end_stays_empty_and_is_told() -> None:
    figure = draw_timeline(timeline(ROCK, duration_s=60.0, damage="damaged: cut $hort"), ROCK)
    _, _, genres = panels(figure)
    assert genres.get_xlim() == (0, 60)
    assert genres.get_xlabel().endswith(r"damaged: cut \$hort")


def test_many_genres_have_six_colours_and_the_rest_together() -> None:
    labels = tuple(f"Genre {i}" for i in range(30))
    answer = Prediction(tuple((label, 1 / 30) for label in labels), None)
    figure = draw_timeline(timeline(answer, labels=labels), answer)
    _, _, genres = panels(figure)
    bars = [b for b in genres.patches if b.get_height()]
    assert len(bars) == 7
    assert sum(b.get_height() for b in bars) == pytest.approx(100)
    assert len({b.get_facecolor() for b in bars}) == 7


@pytest.mark.parametrize("width_in", [3.6, 6.9, 7.0, 12.8])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.filterwarnings("error")
def test_all_words_are_inside(width_in: float, dark: bool) -> None:
    figure = draw_timeline(
        timeline(ROCK, "silent", JAZZ, path="a name that is long " * 9 + ".mp3"),
        ROCK, width_in=width_in, dark=dark,
    )  # fmt: skip
    assert outside(figure) == []
    ground = np.mean(figure.get_facecolor()[:3])
    ink = np.mean(panels(figure)[0].yaxis.label.get_color() == "#e8e8e8")
    assert (ground < 0.2, bool(ink)) == (dark, dark)


@pytest.mark.parametrize(("raw", "safe"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_are_drawn_and_not_obeyed(raw: str, safe: str, tmp_path: Path) -> None:
    name = raw.replace("\0", "").replace("/", "")
    answer = Prediction(((raw, 1.0), ("b", 0.0)), raw)
    figure = draw_timeline(timeline(answer, path=name, labels=(raw, "b")), answer)
    write_picture(figure, tmp_path / "a.png")
    assert all(line.isprintable() for t in texts(figure) for line in t.split("\n"))


@pytest.mark.parametrize("name", ["$x_{$ A$AP.mp3", "$1.mp3", r"\$.mp3", "$\\frac$"])
def test_a_dollar_starts_no_formula(name: str, tmp_path: Path) -> None:
    figure = draw_timeline(timeline(ROCK, path=name), ROCK)
    write_picture(figure, tmp_path / "a.png")
    assert figure.get_suptitle().split("\n")[0].replace(r"\$", "$") == name


class TestWriting:
    def test_the_same_track_gives_the_same_bytes(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            write_picture(draw_timeline(timeline(ROCK), ROCK), tmp_path / f"{name}.png")
        data = (tmp_path / "a.png").read_bytes()
        assert data.startswith(PNG)
        assert data == (tmp_path / "b.png").read_bytes()
        assert len(list(tmp_path.iterdir())) == 2

    def test_a_failure_leaves_what_was_there(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(PNG)
        figure = draw_timeline(timeline(ROCK), ROCK)

        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        figure.savefig = full  # type: ignore[method-assign]
        with pytest.raises(UsageError, match=r"a\.png: cannot be written: No space"):
            write_picture(figure, path)
        assert path.read_bytes() == PNG
        assert list(tmp_path.iterdir()) == [path]

    def test_music_and_other_files_are_never_written_over(self, tmp_path: Path) -> None:
        song = tmp_path / "song.mp3"
        song.write_bytes(b"ID3")
        check_picture_path(tmp_path / "new.PNG", song)
        (tmp_path / "old.png").write_bytes(PNG + b"...")
        check_picture_path(tmp_path / "old.png", song)
        for name in ("song.mp3", "plot.jpg", "plot"):
            with pytest.raises(UsageError, match=r"must end in \.png"):
                check_picture_path(tmp_path / name, song)
        (tmp_path / "link.png").symlink_to(song)
        (tmp_path / "hard.png").hardlink_to(song)
        for name in ("link.png", "hard.png"):
            with pytest.raises(UsageError, match="the music itself"):
                check_picture_path(tmp_path / name, song)
        (tmp_path / "notes.png").write_text("notes")
        with pytest.raises(UsageError, match="is no PNG; it was left alone"):
            check_picture_path(tmp_path / "notes.png", song)
        with pytest.raises(UsageError, match="no such folder"):
            check_picture_path(tmp_path / "gone" / "a.png", song)
        (tmp_path / "folder.png").mkdir()
        with pytest.raises(UsageError, match="Is a directory"):
            check_picture_path(tmp_path / "folder.png", song)
