from __future__ import annotations

import numpy as np

from tagger.models.axes import AXES, axis_scores


def test_an_axis_is_the_mean_of_its_features():
    names = ["spectral_centroid.mean.01", "log_mel.mean.01", "log_mel.mean.02", "rms.mean.01"]
    scores = axis_scores(np.array([[2.0, 1.0, -3.0, 9.0], [0.0, 0.5, 0.5, 0.0]]), names)
    words = [axis.above for axis in AXES]
    assert scores.shape == (2, len(AXES))
    assert scores[:, words.index("bright")].tolist() == [2.0, 0.0]
    assert scores[:, words.index("energetic")].tolist() == [-1.0, 0.5]
    assert not scores[:, words.index("rhythmic")].any()


def test_each_word_is_used_once():
    words = [w for axis in AXES for w in (axis.above, axis.below, axis.more, axis.less)]
    assert len(set(words)) == len(words)
    assert not any("," in word or ";" in word for word in words)
