# SPDX-License-Identifier: Apache-2.0
"""Surface and sphericity: the table of bodies, and what a closed surface must satisfy."""

import bodies
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_seg.measure.shape import sphere_diameter, sphericity, surface

UNIT = (1.0, 1.0, 1.0)
BODIES = {
    'box': (bodies.box(20, 10, 6), UNIT, 0.754),
    'cube': (bodies.box(10, 10, 10), UNIT, 0.849),
    'sphere 2.5': (bodies.ball(2.5), UNIT, 0.955),
    'sphere 5': (bodies.ball(5), UNIT, 0.902),
    'sphere 10': (bodies.ball(10), UNIT, 0.910),
    'sphere 15': (bodies.ball(15), UNIT, 0.917),
    'sphere fine': (bodies.ball(10, (0.5, 0.5, 1)), (0.5, 0.5, 1), 0.890),
    'ellipsoid': (bodies.ellipsoid((15, 10, 8)), UNIT, 0.879),
}


@pytest.mark.parametrize('name', BODIES)
def test_the_table_of_bodies_is_met(name):
    mask, spacing, expected = BODIES[name]
    assert sphericity(mask, np.diag([*spacing, 1.0])) == pytest.approx(expected, abs=0.002)


def test_a_single_voxel_is_an_octahedron():
    area, volume = surface(bodies.box(1, 1, 1), np.diag([2.0, 2.0, 2.0, 1.0]))
    assert area == pytest.approx(4 * np.sqrt(3))
    assert volume == pytest.approx(8 / 6)


def test_below_27_voxels_there_is_no_sphericity():
    mask = bodies.box(3, 3, 3)
    assert sphericity(mask, np.eye(4)) is not None
    mask[0, 0, 0] = False
    assert sphericity(mask, np.eye(4)) is None


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    order=st.permutations([0, 1, 2]),
    flip=st.integers(0, 2),
)
def test_turned_arrays_have_the_same_surface(seed, order, flip):
    mask = np.random.default_rng(seed).random((5, 6, 4)) < 0.5
    spacing = np.array([0.5, 1.2, 3.0])
    before = surface(mask, np.diag([*spacing, 1.0]))
    moved = np.flip(mask.transpose(order), flip)
    after = surface(moved, np.diag([*spacing[list(order)], 1.0]))
    assert after == pytest.approx(before, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_surface_of_random_voxels_is_closed(seed):
    # Only a closed surface encloses the same volume wherever its origin lies: pad on one side.
    mask = np.random.default_rng(seed).random((4, 5, 6)) < 0.5
    _, volume = surface(mask, np.eye(4))
    _, moved = surface(np.pad(mask, [(0, 0), (0, 0), (7, 0)]), np.eye(4))
    assert moved == pytest.approx(volume, abs=1e-9)


def test_a_tilted_grid_has_the_surface_of_an_upright_one():
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn * (0.5, 1.0, 3.0)
    mask = bodies.ball(6, (0.5, 1.0, 3.0))
    upright = surface(mask, np.diag([0.5, 1.0, 3.0, 1.0]))
    assert surface(mask, affine) == pytest.approx(upright)


def test_the_sphere_of_a_volume_has_its_diameter():
    assert sphere_diameter(4 / 3 * np.pi * 5**3) == pytest.approx(10)
