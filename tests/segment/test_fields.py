# SPDX-License-Identifier: Apache-2.0
"""From the reference's grid to the network's and back, nothing moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_seg.image import Grid, Volume
from bids_seg.segment import fields

OBLIQUE = np.array([[0.9, 0.1, 0, -40], [-0.1, 0.9, 0, -30], [0, 0, 5.0, 7], [0, 0, 0, 1.0]])
OBLIQUE[:3, :3] = np.array([[0.98, 0.199, 0], [-0.199, 0.98, 0], [0, 0, 1]]) * [0.9, 0.8, 5.0]


def world(grid):
    """Return the mm of every voxel, shape (I, J, K, 3)."""
    index = np.moveaxis(np.indices(grid.shape), 0, -1)
    return index @ grid.affine[:3, :3].T + grid.affine[:3, 3]


@given(
    shape=st.tuples(st.integers(20, 60), st.integers(20, 60), st.integers(5, 12)),
    multiple=st.sampled_from([1, 8, 16]),
)
@settings(max_examples=20, deadline=None)
def test_a_slope_in_scanner_space_survives_the_way_there_and_back(shape, multiple):
    grid = Grid(shape, OBLIQUE)
    slope = np.array([0.5, -0.3, 0.2])
    volume = Volume((world(grid) @ slope).astype(np.float32), grid)
    box = (slice(3, shape[0] - 4), slice(2, shape[1] - 5), slice(0, shape[2]))
    working = fields.working_grid(grid, box, spacing=2.0, multiple=multiple)
    there = fields.onto(volume, working)
    inner = (slice(4, -4), slice(4, -4), slice(0, None))
    truth = world(working) @ slope
    inside = fields.seen(working, grid)
    border = ~inside
    border[inner] |= False
    middle = tuple(side // 2 for side in working.shape)
    assert there.array[middle] == pytest.approx(truth[middle], abs=0.3)
    again = fields.back(truth.astype(np.float32), working, reference=grid)
    centre = tuple((side.start + side.stop) // 2 for side in box)
    assert again[centre] == pytest.approx(volume.array[centre], abs=0.3)


def test_the_outermost_slices_come_back_with_their_values():
    grid = Grid((21, 22, 5), np.diag([0.5, 0.5, 6.0, 1.0]))
    whole = tuple(slice(0, side) for side in grid.shape)
    working = fields.working_grid(grid, whole, spacing=2.0, multiple=1)
    full = np.ones(working.shape, np.float32)
    assert fields.back(full, working, reference=grid).min() == pytest.approx(1.0)


def test_what_the_network_did_not_see_is_zero():
    grid = Grid((40, 44, 48), np.diag([1.0, 1.0, 1.0, 1.0]))
    box = (slice(10, 26), slice(8, 24), slice(4, 20))
    working = fields.working_grid(grid, box, spacing=2.0, multiple=8)
    back = fields.back(np.ones(working.shape, np.float32), working, reference=grid)
    assert back[box].min() == 1.0
    assert back.sum() == 16**3


def test_voxels_beyond_the_image_are_not_seen():
    grid = Grid((10, 12, 14), np.diag([2.0, 2.0, 2.0, 1.0]))
    whole = tuple(slice(0, side) for side in grid.shape)
    working = fields.working_grid(grid, whole, spacing=2.0, multiple=16)
    assert working.shape == (16, 16, 16)
    assert int(fields.seen(working, grid).sum()) == 10 * 12 * 14


def test_only_the_part_that_is_needed_is_sampled_and_the_result_is_the_same():
    from bids_seg.image import shrink

    rng = np.random.default_rng(1)
    grid = Grid((50, 55, 60), np.diag([1.0, 1.1, 0.9, 1.0]))
    volume = Volume(rng.normal(size=grid.shape).astype(np.float32), grid)
    box = (slice(15, 30), slice(18, 33), slice(22, 38))
    working = fields.working_grid(grid, box, spacing=2.0, multiple=1)
    whole = shrink(volume, working)
    np.testing.assert_allclose(fields.onto(volume, working).array, whole.array, atol=2e-3)


def test_the_head_is_found_in_noise_and_a_bright_spot_does_not_mislead():
    rng = np.random.default_rng(2)
    shape = (60, 70, 65)
    far = np.linalg.norm(
        (np.moveaxis(np.indices(shape), 0, -1) - (30, 36, 30)) / (14, 18, 16), axis=-1
    )
    values = np.where(far < 1, 100, 0) + np.abs(rng.normal(0, 4, shape))
    values[30, 36, 30] = 5000
    box = fields.head_box(
        Volume(values.astype(np.float32), Grid(shape, np.diag([4.0] * 3 + [1.0])))
    )
    for side, (low, high) in zip(box, ((16, 44), (18, 54), (14, 46)), strict=True):
        assert low - 6 <= side.start <= low + 1
        assert high - 1 <= side.stop <= high + 6


def test_the_threshold_parts_two_heaps():
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(10, 2, 5000), rng.normal(50, 5, 3000)]).astype(np.float32)
    assert 18 < fields.otsu(values) < 38
