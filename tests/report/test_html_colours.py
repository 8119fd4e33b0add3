"""The colours of the page, for eyes of every kind."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

from tagger.report import html

CSS = files(html).joinpath("page.css").read_text(encoding="utf-8")
SHAPES = 4

# What is seen without one kind of cones, in linear sRGB: Machado, Oliveira and Fernandes,
# "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 15, 2009.
EYES = {
    "all cones": np.eye(3),
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: str) -> np.ndarray:
    s = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """From linear sRGB: Ottosson, "A perceptual color space for image processing", 2020."""
    cones = (
        rgb
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    return (
        np.cbrt(cones)
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )


def contrast(a: str, b: str) -> float:
    """Of WCAG 2: 1 to 21."""
    low, high = sorted(linear(c) @ np.array([0.2126, 0.7152, 0.0722]) for c in (a, b))
    return float((high + 0.05) / (low + 0.05))


def colours(dark: bool) -> dict[str, str]:
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", CSS)
    return {name: pair[dark] for name, *pair in found}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("eyes", EYES)
def test_any_two_groups_are_told_apart(dark, eyes):
    known = colours(dark)
    slots = [linear(known[f"slot{k}"]) for k in range(11)]
    seen = [oklab(np.clip(c @ np.array(EYES[eyes]).T, 0, 1)) for c in slots]
    for a, b in combinations(range(11), 2):
        least = 0.12 if a % SHAPES == b % SHAPES else 0.07  # of one shape, by colour alone
        assert np.linalg.norm(seen[a] - seen[b]) >= least - 0.002, (a, b)


@pytest.mark.parametrize("dark", [False, True])
def test_contrast(dark):
    known = colours(dark)
    for ground in ("page", "card", "fill"):
        for ink in ("text", "soft", "accent", "good", "calm", "warn", "bad"):
            assert contrast(known[ink], known[ground]) >= 4.5, (ink, ground)
        for k in range(12):
            assert contrast(known[f"slot{k}"], known[ground]) >= 2.7, (k, ground)
    for k in range(12):  # of a mark as large as those of the legend, 3 is asked for
        assert contrast(known[f"slot{k}"], known["card"]) >= 3.0, k
