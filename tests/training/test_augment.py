from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tagger.analysis.picture import N_MELS
from tagger.training.augment import Augmentation, mix_up, random_patches

COLUMNS = 100
NONE = Augmentation(
    pitch_bins=0,
    equaliser_std=0.0,
    stretch=0.0,
    band_limit=0.0,
    gain=0.0,
    mask_bands=0,
    mask_columns=0,
)
EVERYTHING = Augmentation(
    equaliser_std=0.3, stretch=0.5, band_limit=0.5, gain=0.5, mask_bands=20, mask_columns=30
)


def patches_of(
    picture: npt.NDArray[np.uint8],
    how: Augmentation,
    *,
    n: int = 200,
    seed: int = 0,
    fill: float = 0.45,
) -> npt.NDArray[np.float32]:
    return random_patches(
        np.repeat(picture[None], n, axis=0), COLUMNS, how, np.random.default_rng(seed), fill=fill
    )


def noise_picture(columns: int = 150) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (N_MELS, columns), dtype=np.uint8)


def ramp() -> npt.NDArray[np.uint8]:
    """The grey level of each column is its number."""
    return np.tile(np.arange(256, dtype=np.uint8), (N_MELS, 1))


@pytest.mark.parametrize("how", [Augmentation(), EVERYTHING], ids=["default", "everything"])
def test_patches_have_the_shape_asked_for_and_stay_in_range(how: Augmentation) -> None:
    black_white_grey = np.stack([np.full((N_MELS, 150), v, np.uint8) for v in (0, 255, 128)])
    pictures = np.concatenate([black_white_grey, noise_picture()[None]])
    for seed in range(30):
        x = random_patches(pictures, COLUMNS, how, np.random.default_rng(seed), fill=0.45)
        assert x.shape == (4, N_MELS, COLUMNS)
        assert x.dtype == np.float32
        assert x.min() >= 0
        assert x.max() <= 1


def test_the_seed_decides_everything() -> None:
    first = patches_of(noise_picture(), EVERYTHING, n=8)
    assert np.array_equal(first, patches_of(noise_picture(), EVERYTHING, n=8))
    other = patches_of(noise_picture(), EVERYTHING, n=8, seed=1)
    assert all(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_pictures_are_not_changed() -> None:
    picture = noise_picture()
    before = picture.copy()
    random_patches(picture[None], COLUMNS, EVERYTHING, np.random.default_rng(0), fill=0.45)
    assert np.array_equal(picture, before)


def test_with_no_strength_a_patch_is_an_exact_crop() -> None:
    picture = noise_picture()
    scaled = picture.astype(np.float32) / 255
    starts = set()
    for patch in patches_of(picture, NONE):
        matches = [s for s in range(51) if np.array_equal(patch, scaled[:, s : s + COLUMNS])]
        assert len(matches) == 1
        starts.add(matches[0])
    assert min(starts) <= 2
    assert max(starts) >= 47
    assert len(starts) > 30


def test_a_picture_as_wide_as_the_patch_is_taken_whole() -> None:
    picture = noise_picture(COLUMNS)
    assert np.array_equal(patches_of(picture, NONE, n=1)[0], picture.astype(np.float32) / 255)


def test_stretch_moves_an_event_to_where_it_belongs() -> None:
    event = 120
    picture = ramp()
    picture[64:] = 0
    picture[64:, event] = 255
    rates = []
    for patch in patches_of(picture, replace(NONE, stretch=1.0)):
        # Columns say where they come from: column k is column start + rate * k.
        came_from = patch[0] * 255
        rate = (came_from[-1] - came_from[0]) / (COLUMNS - 1)
        assert np.allclose(came_from, came_from[0] + rate * np.arange(COLUMNS), atol=1e-2)
        rates.append(rate)
        heard = np.flatnonzero(patch[-1] > 0)
        expected = (event - came_from[0]) / rate
        if 1 < expected < COLUMNS - 2:
            assert np.all(np.abs(heard - expected) <= 1 / rate)
            assert len(heard) >= 1
    assert 0.85 <= min(rates) < 0.88
    assert 1.12 < max(rates) <= 1.15


def test_share_of_stretched_patches() -> None:
    stretched = 0
    for patch in patches_of(ramp(), replace(NONE, stretch=0.25), n=400):
        stretched += not np.isclose((patch[0, -1] - patch[0, 0]) * 255, COLUMNS - 1, atol=1e-3)
    assert 60 < stretched < 140


def test_pitch_shift_moves_bands_and_repeats_the_outermost() -> None:
    picture = np.zeros((N_MELS, 150), np.uint8)
    picture[60] = 255
    picture[0] = 51
    shifts = set()
    for patch in patches_of(picture, replace(NONE, pitch_bins=3)):
        (band,) = np.flatnonzero(patch[:, 0] == 1)
        shifts.add(int(band) - 60)
        # Shifted down, the lowest band leaves the picture; up, it fills the gap.
        assert np.sum(np.isclose(patch[:, 0], 0.2)) == max(0, int(band) - 60 + 1)
    assert shifts == set(range(-3, 4))


def test_gain_changes_contrast_and_level_within_bounds() -> None:
    picture = np.clip(ramp(), 80, 170)
    slopes, levels = [], []
    for patch, plain in zip(
        patches_of(picture, replace(NONE, gain=0.1)), patches_of(picture, NONE), strict=True
    ):
        slope, level = np.polyfit(plain[0], patch[0], 1)
        assert np.allclose(slope * plain + level, patch, atol=1e-5)
        slopes.append(slope)
        levels.append(level)
    assert 0.9 - 1e-4 <= min(slopes) < 0.91
    assert 1.09 < max(slopes) <= 1.1 + 1e-4
    assert -0.1 / 3 - 1e-4 <= min(levels) < -0.03
    assert 0.03 < max(levels) <= 0.1 / 3 + 1e-4


def test_equaliser_is_a_smooth_curve_over_bands_alone() -> None:
    grey = np.full((N_MELS, 150), 128, np.uint8)
    x = patches_of(grey, replace(NONE, equaliser_std=0.05)) - np.float32(128 / 255)
    assert np.ptp(x, axis=2).max() == 0
    assert x[:, 0, 0].std() == pytest.approx(0.05, rel=0.2)
    assert np.abs(np.diff(x[:, :, 0], axis=1)).max() < 0.02


def test_band_limit_dims_everything_above_one_band() -> None:
    white = np.full((N_MELS, 150), 255, np.uint8)
    limits = []
    for patch in patches_of(white, replace(NONE, band_limit=1.0)):
        limit = int(np.flatnonzero(patch[:, 0] < 1)[0])
        limits.append(limit)
        assert np.all(patch[:limit] == 1)
        assert np.all(patch[limit:] <= 0.15)
    assert min(limits) >= 80
    assert len(set(limits)) > 20


def longest_run(flags: npt.NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def runs(flags: npt.NDArray[np.bool_]) -> int:
    return int(np.sum(np.diff(np.concatenate([[False], flags])) & flags))


def test_masks_are_at_most_two_of_each_and_as_large_as_said() -> None:
    black = np.zeros((N_MELS, 150), np.uint8)
    x = patches_of(black, replace(NONE, mask_bands=6, mask_columns=9), n=400, fill=1.0)
    bands, columns = (x == 1).all(axis=2), (x == 1).all(axis=1)
    assert np.array_equal(x, (bands[:, :, None] | columns[:, None, :]).astype(np.float32))
    for masked, largest in ((bands, 6), (columns, 9)):
        assert max(runs(m) for m in masked) == 2
        lone = [longest_run(m) for m in masked if runs(m) == 2]
        assert max(lone) == largest  # two apart: each is one mask
        assert max(int(m.sum()) for m in masked) <= 2 * largest


@pytest.mark.parametrize(("mask_bands", "mask_columns"), [(0, 9), (6, 0)])
def test_each_kind_of_mask_can_be_left_out(mask_bands: int, mask_columns: int) -> None:
    black = np.zeros((N_MELS, 150), np.uint8)
    how = replace(NONE, mask_bands=mask_bands, mask_columns=mask_columns)
    x = patches_of(black, how, fill=1.0)
    assert x.any()
    assert (x == 1).all(axis=2).any() == (mask_bands > 0)
    assert (x == 1).all(axis=1).any() == (mask_columns > 0)


KINDS = np.array([0, 1, 0, 2, 1, 0, 1, 0, 0, 1])


def mixed(alpha: float, seed: int = 0) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Ten patches and targets mixed; each is a unit vector, so that it shows in a mixture."""
    unit = np.eye(10, dtype=np.float32)
    x, y = mix_up(unit[:, None, :], unit, KINDS, alpha, np.random.default_rng(seed))
    return x[:, 0, :], y


def test_mix_up_mixes_within_a_kind_and_both_alike() -> None:
    partners = set()
    for seed in range(20):
        x, y = mixed(0.3, seed)
        assert x.dtype == y.dtype == np.float32
        assert np.array_equal(x, y)
        assert np.allclose(y.sum(axis=1), 1, atol=1e-6)
        assert y.min() >= 0
        across = KINDS[:, None] != KINDS[None, :]
        assert np.all(y[across] == 0)
        partners |= {(i, j) for i, j in np.argwhere(y > 0) if i != j}
    assert len(partners) == 5 * 4 + 4 * 3  # in time everyone meets everyone of the kind


def test_mix_up_leaves_one_of_its_kind_alone() -> None:
    assert mixed(0.3)[1][3] == pytest.approx(np.eye(10)[3])


def test_mix_up_draws_shares_from_beta() -> None:
    alpha = 0.3
    shares = np.concatenate([np.diag(mixed(alpha, seed)[1])[KINDS == 0] for seed in range(600)])
    # Who is drawn as his own partner (1 in 5) keeps 1; Beta(a, a) has mean 1/2.
    assert shares.mean() == pytest.approx(0.2 + 0.8 * 0.5, abs=0.02)
    assert np.mean((shares > 0.1) & (shares < 0.9)) < 0.5  # a < 1: mostly near 0 or 1


def test_mix_up_can_be_switched_off() -> None:
    assert np.array_equal(mixed(0.0)[1], np.eye(10))
