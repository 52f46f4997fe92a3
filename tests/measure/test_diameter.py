# SPDX-License-Identifier: Apache-2.0
"""Diameters: the table of test bodies, closed forms, invariances, clefts, rings, speed."""

import time

import bodies
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bids_seg.measure.diameter import extent, in_plane

ROOT = np.sqrt
UNIT = (1.0, 1.0, 1.0)


def plane(spacing):
    return in_plane(np.diag([*spacing, 1.0]))


BODIES = {
    'voxel': (bodies.box(1, 1, 1), UNIT, 1, 1, 1),
    'bar in plane': (bodies.box(10, 1, 1), UNIT, 10, 1, 10),
    'bar along z': (bodies.box(1, 1, 10), UNIT, 1, 1, 1),
    'box': (bodies.box(20, 10, 6), UNIT, ROOT(481), 10.966, 240.50),
    'cube': (bodies.box(10, 10, 10), UNIT, ROOT(181), 13.454, 181.00),
    'sphere 2.5': (bodies.ball(2.5), UNIT, 5.385, 5.385, 29),
    'sphere 5': (bodies.ball(5), UNIT, 11, 11, 121),
    'sphere 10': (bodies.ball(10), UNIT, 21, 21, 441),
    'sphere 15': (bodies.ball(15), UNIT, 31, 31, 961),
    'sphere fine': (bodies.ball(10, (0.5, 0.5, 1)), (0.5, 0.5, 1), 20.5, 20.5, 420.25),
    'sphere thick': (bodies.ball(10, (1, 1, 5)), (1, 1, 5), 21, 21, 441),
    'sphere odd': (
        bodies.ball(10, (0.9375, 0.9375, 1.5)),
        (0.9375, 0.9375, 1.5),
        20.646,
        20.646,
        426.27,
    ),
    'ellipsoid': (bodies.ellipsoid((15, 10, 8)), UNIT, 31, 21, 651),
    'shell': (bodies.shell(6, 10)[0], UNIT, 17.263, 16.247, 280.47),
    'tilted bar': (bodies.tilted_bar(), UNIT, 20.809, 3.672, 76.41),
    'corner': (bodies.corner(), UNIT, 21.691, 13.700, 297.16),
    'chain of 1': (bodies.chain(1), UNIT, 13.454, 1.345, 18.10),
    'chain of 2': (bodies.chain(2), UNIT, 14.213, 1.579, 22.44),
    'chain of 3': (bodies.chain(3), UNIT, 15.000, 2.500, 37.50),
    'cleft': (bodies.cleft(), UNIT, 20.100, 5.025, 101.00),
    'dumb-bell': (bodies.dumb_bell(), UNIT, 19.105, 3.017, 97.00),
}


@pytest.mark.parametrize('name', BODIES)
def test_the_table_of_bodies_is_met_to_a_hundredth(name):
    mask, spacing, ld, sd, product = BODIES[name]
    found = extent(mask, plane(spacing))
    assert found.longest.ld_mm == pytest.approx(ld, abs=0.01)
    assert found.longest.sd_mm == pytest.approx(sd, abs=0.01)
    assert found.largest_product.product_mm2 == pytest.approx(product, abs=0.01)


def test_the_bridge_slice_has_the_diameter_and_a_disc_the_product():
    found = extent(bodies.dumb_bell(), np.eye(2))
    assert found.longest.slice == 7
    assert found.largest_product.slice == 0
    assert found.largest_product.ld_mm == pytest.approx(9.849, abs=0.001)
    assert found.largest_product.sd_mm == pytest.approx(9.849, abs=0.001)


def test_the_hull_of_a_corner_is_longer_than_its_diameter():
    assert extent(bodies.corner(), np.eye(2)).hull_mm == pytest.approx(27.586, abs=0.001)


@pytest.mark.parametrize('thickness', [1.0, 3.0, 6.5])
@pytest.mark.parametrize('step', [0.5, 0.9, 1.0])
def test_bodies_on_thin_and_thick_slices_are_right_to_one_voxel_of_the_plane(thickness, step):
    spacing = (step, step, thickness)
    for semi in [(9.0, 9.0, 9.0), (16.0, 7.0, 9.0), (7.0, 13.0, 20.0)]:
        found = extent(bodies.ellipsoid(semi, spacing), plane(spacing)).longest
        assert found.ld_mm == pytest.approx(2 * max(semi[:2]), abs=step + 1e-9)
        assert found.sd_mm == pytest.approx(2 * min(semi[:2]), abs=step + 1e-9)


@pytest.mark.parametrize('thickness', [1.0, 3.0, 6.5])
@pytest.mark.parametrize('angle', [0.0, 17.0, 30.0, 45.0])
def test_an_oblique_plate_keeps_its_length_and_width(thickness, angle):
    x, y = np.mgrid[-25:26, -25:26].astype(float)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    inside = (abs(x * cosine + y * sine) <= 15.5) & (abs(y * cosine - x * sine) <= 4.5)
    found = extent(np.repeat(inside[..., None], 2, axis=2), plane((1.0, 1.0, thickness))).longest
    # The diagonal of a rectangle of 31 x 9.
    assert found.ld_mm == pytest.approx(ROOT(31**2 + 9**2), abs=1.0)


def test_a_ring_is_measured_along_a_tangent_of_its_hole():
    x, y = np.mgrid[-24:25, -24:25]
    radius = np.hypot(x, y)
    ring = ((radius <= 20.5) & (radius > 14.5))[..., None]
    found = extent(ring, np.eye(2))
    # The longest line in a ring touches the inner circle.
    assert found.longest.ld_mm == pytest.approx(2 * ROOT(20.5**2 - 14.5**2), abs=1.5)
    assert found.hull_mm == pytest.approx(41, abs=1)


def test_an_anisotropic_plane_is_measured_in_millimetres():
    found = extent(bodies.box(10, 10, 1), plane((0.5, 2.0, 3.0))).longest
    expected = max(ROOT(5.0**2 + 18.0**2), ROOT(4.5**2 + 20.0**2))
    assert found.ld_mm == pytest.approx(expected, abs=1e-9)


def brute_force(mask):
    """LD by looking at every pair and every sample, one after another (1 mm voxels)."""
    best = 0.0
    for index in range(mask.shape[2]):
        labels, count = ndimage.label(mask[:, :, index], np.ones((3, 3)))
        for number in range(1, count + 1):
            pixels = {tuple(pixel) for pixel in np.argwhere(labels == number).tolist()}
            sides = [(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)]
            points = [
                (i + a, j + b)
                for i, j in pixels
                for a, b in sides
                if (i + int(2 * a), j + int(2 * b)) not in pixels
            ]
            for p in points:
                for q in points:
                    if np.hypot(q[0] - p[0], q[1] - p[1]) > best and all_near(p, q, pixels):
                        best = float(np.hypot(q[0] - p[0], q[1] - p[1]))
    return best


def all_near(p, q, pixels):
    """Whether every sample of a segment is within 0.45 of a pixel."""
    steps = max(1, int(np.ceil(np.hypot(q[0] - p[0], q[1] - p[1]) / 0.1 - 1e-9)))
    for step in range(steps + 1):
        x = p[0] + step / steps * (q[0] - p[0])
        y = p[1] + step / steps * (q[1] - p[1])
        around = [
            (i, j)
            for i in range(int(np.floor(x)) - 1, int(np.floor(x)) + 3)
            for j in range(int(np.floor(y)) - 1, int(np.floor(y)) + 3)
            if (i, j) in pixels
        ]
        gaps = [np.hypot(max(abs(x - i) - 0.5, 0), max(abs(y - j) - 0.5, 0)) for i, j in around]
        if min(gaps, default=1.0) > 0.45 + 1e-9:
            return False
    return True


@pytest.mark.parametrize('seed', range(8))
def test_small_random_bodies_agree_with_a_search_of_all_pairs(seed):
    mask = np.random.default_rng(seed).random((6, 5, 2)) < 0.62
    assert extent(mask, np.eye(2)).longest.ld_mm == pytest.approx(brute_force(mask), abs=1e-9)


def blob(seed, shape=(15, 13, 4)):
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, (1.5, 1.5, 0.7))
    return smooth > np.quantile(smooth, 0.7)


def figures(mask, spacing):
    found = extent(mask, plane(spacing))
    return [
        found.longest.ld_mm,
        found.longest.sd_mm,
        found.largest_product.product_mm2,
        found.hull_mm,
    ]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    turn=st.booleans(),
    shift=st.tuples(*[st.integers(0, 3)] * 3),
)
def test_flips_turns_and_shifts_change_no_number(seed, flips, turn, shift):
    mask, spacing = blob(seed), (0.8, 1.1, 3.0)
    before = figures(mask, spacing)
    moved = np.flip(mask, [axis for axis in range(3) if flips[axis]])
    if turn:
        moved, spacing = moved.swapaxes(0, 1), (1.1, 0.8, 3.0)
    moved = np.pad(moved, [(size, 1) for size in shift])
    assert figures(moved, spacing) == pytest.approx(before, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), place=st.tuples(st.integers(0, 14), st.integers(0, 12)))
def test_sd_is_at_most_ld_and_ld_at_most_the_hull_which_more_voxels_never_shorten(seed, place):
    mask = blob(seed)
    ld, sd, product, hull = figures(mask, UNIT)
    assert sd <= ld <= hull + 1e-6
    assert ld * sd <= product + 1e-4
    larger = mask.copy()
    larger[place] = True
    assert figures(larger, UNIT)[3] >= hull - 1e-9


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_both_lines_end_where_their_lengths_say_and_cross_at_a_right_angle(seed):
    cross = extent(blob(seed), plane((0.8, 1.1, 3.0))).longest
    p, q, a, b = (np.array(end) * (0.8, 1.1) for end in (*cross.ld, *cross.sd))
    assert np.linalg.norm(q - p) == pytest.approx(cross.ld_mm, abs=1e-6)
    assert np.linalg.norm(b - a) == pytest.approx(cross.sd_mm, abs=2e-5)
    assert (q - p) @ (b - a) == pytest.approx(0, abs=1e-6)
    along = (q - p) / cross.ld_mm
    assert -1e-6 <= (a - p) @ along <= cross.ld_mm + 1e-6
    across = np.array([-along[1], along[0]])
    assert ((a - p) @ across) * ((b - p) @ across) <= 1e-9


def test_a_compact_lesion_of_100_ml_takes_less_than_a_second():
    mask = bodies.ball(29, (0.7, 0.7, 1.0))
    start = time.process_time()
    extent(mask, plane((0.7, 0.7, 1.0)))
    assert time.process_time() - start < 1


def test_an_empty_mask_is_refused():
    with pytest.raises(ValueError, match='empty'):
        extent(np.zeros((3, 4, 5), dtype=bool), np.eye(2))


def test_the_plane_of_an_oblique_grid_keeps_lengths():
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn * (0.7, 1.3, 4.0)
    assert in_plane(affine) == pytest.approx(np.diag([0.7, 1.3]), abs=1e-9)
