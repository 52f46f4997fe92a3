# SPDX-License-Identifier: Apache-2.0
"""Rule 12: stripped images are known by one value around a rest as large as a brain."""

from __future__ import annotations

import numpy as np
import pytest

from bids_seg.image import Grid, Volume
from bids_seg.preprocess.stripped import background, is_stripped


def ball(radius_mm, *, outside=0.0, shape=(60, 70, 65), noise=0.0):
    """Return a ball of grey values on a grid of 4 mm."""
    rng = np.random.default_rng(0)
    middle = (np.array(shape) - 1) / 2
    far = np.linalg.norm(np.moveaxis(np.indices(shape), 0, -1) - middle, axis=-1) * 4
    inside = rng.normal(100, 10, shape)
    around = outside + noise * rng.normal(size=shape)
    values = np.where(far < radius_mm, inside, around).astype(np.float32)
    return Volume(values, Grid(shape, np.diag([4.0, 4.0, 4.0, 1.0])))


@pytest.mark.parametrize('outside', [0.0, -3.5])
def test_a_brain_in_nothing_is_stripped_whatever_the_value_of_nothing(outside):
    assert is_stripped(ball(70, outside=outside))


def test_a_whole_head_in_nothing_is_not_stripped():
    assert not is_stripped(ball(95))


def test_a_brain_in_noise_is_not_stripped():
    assert not is_stripped(ball(70, noise=3.0))


def test_a_tight_box_around_a_head_is_not_stripped():
    head = ball(70)
    cut = Volume(head.array[18:42, 22:48, 20:45], Grid((24, 26, 25), head.grid.affine))
    assert not is_stripped(cut)


def test_the_same_value_inside_the_head_is_not_background():
    image = ball(70)
    image.array[28:32, 33:37, 30:34] = 0
    assert not background(image)[29, 34, 31]
    assert background(image)[0, 0, 0]
