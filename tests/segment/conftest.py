# SPDX-License-Identifier: Apache-2.0
"""A painted head whose brain and tumour a network of one line can find."""

from __future__ import annotations

import numpy as np
import pytest

from bids_seg.image import Grid, Volume

AFFINE = np.array([[-1.0, 0.1, 0, 80], [0.1, 1.0, 0, -90], [0, 0, 3.0, -70], [0, 0, 0, 1.0]])
SHAPE = (150, 170, 48)


def ellipsoid(grid, middle, radii):
    """Return the voxels of an ellipsoid around a place relative to the grid's centre, mm."""
    index = np.moveaxis(np.indices(grid.shape), 0, -1) - (np.array(grid.shape) - 1) / 2
    place = index @ grid.affine[:3, :3].T
    return (((place - middle) / radii) ** 2).sum(axis=-1) < 1


class Head:
    """A head of 2 values, its brain, and two lesions in it."""

    def __init__(self):
        self.grid = Grid(SHAPE, AFFINE)
        self.brain = ellipsoid(self.grid, (0, 0, 0), (58, 70, 55))
        self.lesion = ellipsoid(self.grid, (22, 10, 5), (14, 12, 15))
        self.core = ellipsoid(self.grid, (22, 10, 5), (8, 7, 9))
        scalp = ellipsoid(self.grid, (0, 0, 0), (68, 80, 66))
        rng = np.random.default_rng(0)
        self.values = 30.0 * scalp + 60 * self.brain + rng.normal(0, 1, SHAPE)

    def volume(self, extra=0.0):
        """Return the image, lesions brighter by so much."""
        values = self.values + extra * self.lesion + extra * self.core
        return Volume(values.astype(np.float32), self.grid)

    def ball(self, middle, radii):
        """Return an ellipsoid around a place relative to the grid's centre, mm."""
        return ellipsoid(self.grid, middle, radii)

    def mask(self):
        """Return the true brain."""
        return Volume(self.brain.astype(np.uint8), self.grid)


@pytest.fixture(scope='session')
def head():
    return Head()


@pytest.fixture
def two_views():
    """Make a runner of two opinions out of a function from channels to logits."""

    def make(function):
        def run(channels):
            yield function(channels).astype(np.float32)
            yield function(channels[::-1])[::-1].astype(np.float32)

        return run

    return make
