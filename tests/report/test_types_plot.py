from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report.reports import HOSTILE
from report.test_types import FIRST, SECOND, SEEN

pytest.importorskip("matplotlib")

from training.figures import cut_off, texts

from tagger.errors import UsageError
from tagger.report.types import SeenTypes, TypeMap
from tagger.report.types_plot import (
    check_plots_folder,
    draw_counts,
    draw_genres,
    draw_map,
    plot_types,
)

PNG = b"\x89PNG\r\n\x1a\n"


def laid_out(seen: SeenTypes) -> TypeMap:
    labels = np.repeat(range(len(seen.types)), [kind.tracks for kind in seen.types])
    points = np.random.default_rng(0).normal(size=(len(labels), 2)) + 5 * labels[:, None]
    return TypeMap(points, labels, (0.43, 0.15), (("flowing", "rhythmic"), None))


def drawn(axes: Any) -> int:
    return sum(len(collection.get_offsets()) for collection in axes.collections)


def test_how_many_types():
    figure = draw_counts(SEEN.looks, 2)
    left, right = figure.axes
    assert left.lines[0].get_xydata().tolist() == [[1, 49], [2, 20], [3, 10]]
    assert right.lines[0].get_xydata().tolist() == [[2, 0.41], [3, 0.3]]  # one has no silhouette
    assert [line.get_xdata()[0] for line in (left.lines[1], right.lines[1])] == [2, 2]
    assert {"number of types k", "chosen: 2"} <= set(texts(figure))
    assert "z-scores²" in left.get_ylabel()
    assert len(draw_counts(SEEN.looks).axes[0].lines) == 1


def test_every_track_has_its_place_on_the_map():
    figure = draw_map(SEEN, laid_out(SEEN))
    (axes,) = figure.axes
    assert drawn(axes) == 40
    assert "43 % of the variance" in axes.get_xlabel()
    assert "flowing  ←   →  rhythmic" in axes.get_xlabel()
    assert "←" not in axes.get_ylabel()
    assert {"1", "4", "1  mellow and flowing (30)", "4  bright (10)"} <= set(texts(figure))
    colours = {tuple(c.get_facecolor()[0]) for c in axes.collections if len(c.get_offsets())}
    assert len(colours) == 2


def test_the_genres_of_each_type():
    figure = draw_genres(SEEN)
    image = figure.axes[0].images[0].get_array()
    assert image.shape == (2, 4)
    assert image.sum(axis=1).tolist() == pytest.approx([100, 100])
    ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert ticks == ["Classical", "Pop", "Rock", "Metal"]  # most tracks first
    assert "% of the type's tracks" in texts(figure)


LONG = "rhythmic and bright and melodic and harmonic and energetic 12"


@pytest.mark.parametrize("name", [LONG, "$\\frac$", "".join(raw for raw, _ in HOSTILE.values())])
def test_any_name_stays_inside_and_is_no_formula(name):
    kinds = tuple(
        replace(FIRST, number=i, name=name, genres=((name, 1.0),), tracks=3) for i in range(1, 13)
    )
    seen = replace(SEEN, types=kinds, tracks=36)
    for figure in (draw_map(seen, laid_out(seen)), draw_genres(seen)):
        assert cut_off(figure) == []
        assert all(text.replace("\n", "").isprintable() for text in texts(figure))


def test_no_tracks():
    empty = replace(SECOND, tracks=0, genres=())
    seen = replace(SEEN, types=(empty,), tracks=0)
    where = TypeMap(np.zeros((0, 2)), np.zeros(0, dtype=np.intp), (0.0, 0.0), (None, None))
    assert cut_off(draw_map(seen, where)) == []
    assert cut_off(draw_genres(seen)) == []


def test_files(tmp_path: Path):
    folder = tmp_path / "deep" / "plots"
    check_plots_folder(folder)
    files = plot_types(SEEN, laid_out(SEEN), folder)
    assert sorted(folder.iterdir()) == sorted(files)
    assert all(file.read_bytes().startswith(PNG) for file in files)
    with pytest.raises(UsageError, match="cannot be made"):
        check_plots_folder(files[0] / "below")
