from __future__ import annotations

import numpy as np
import pytest

from tagger.analysis.filters import mel_centres_hz, mel_filters
from tagger.analysis.outline import column_means, envelope


def test_envelope_by_hand() -> None:
    y = np.array([1, -2, 3, 0, 5, 4], dtype=np.float32)
    assert envelope(y, 3).tolist() == [[-2, 0, 4], [1, 3, 5]]
    assert envelope(y, 1).tolist() == [[-2], [5]]
    assert envelope(y[:2], 4).tolist() == [[1, 1, -2, -2], [1, 1, -2, -2]]


def test_means_by_hand() -> None:
    x = np.array([[1, 2, 3, 4, 5], [0, 0, 9, 0, 0]], dtype=np.float32)
    assert column_means(x, 2).tolist() == [[1.5, 4], [0, 3]]
    assert column_means(x, 1).tolist() == [[3], [pytest.approx(1.8)]]
    assert column_means(x[:, :2], 4).tolist() == [[1, 1, 2, 2], [0, 0, 0, 0]]


@pytest.mark.parametrize(("rows", "n"), [(7, 7), (387, 38), (100, 99)])
def test_means_keep_the_mean(rows: int, n: int) -> None:
    x = np.random.RandomState(0).rand(2, rows).astype(np.float32)
    starts = np.arange(n) * rows // n
    widths = np.diff(np.append(starts, rows))
    assert (column_means(x, n) * widths).sum() == pytest.approx(x.sum(), rel=1e-5)


def test_mel_bands_peak_where_it_is_said() -> None:
    centres = mel_centres_hz(22_050, 128)
    bins = np.linspace(0, 11_025, 1025)
    peaks = bins[mel_filters(22_050, 2048, 128).argmax(axis=1)]
    np.testing.assert_allclose(centres, peaks, atol=bins[1])
