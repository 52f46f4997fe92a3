# SPDX-License-Identifier: Apache-2.0
"""Surface distances: closed forms, and a search of all pairs in float64."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_seg.evaluate.surface import cell_distances, distances, surfaces
from bids_seg.measure.shape import cell_areas, cell_centres, cells


def affine(*spacing):
    return np.diag([*spacing, 1.0])


def ball(radius, spacing, centre=(0.0, 0.0, 0.0), reach=22.0):
    axes = [np.arange(-reach, reach + 1e-9, step) for step in spacing]
    grids = np.meshgrid(*axes, indexing='ij')
    return sum((x - c) ** 2 for x, c in zip(grids, centre, strict=True)) <= radius**2


@pytest.mark.parametrize('spacing', [(1.0, 1.0, 1.0), (0.8, 1.0, 3.0), (0.9, 0.9, 5.5)])
def test_nested_spheres_are_apart_by_the_difference_of_radii(spacing):
    inner, outer = ball(10, spacing), ball(15, spacing)
    found = distances(inner, outer, affine=affine(*spacing))
    assert found.hd95 == pytest.approx(5, abs=0.5 * max(spacing))
    assert found.assd == pytest.approx(5, abs=0.1 * max(spacing))
    assert found.nsd(5 - max(spacing)) < 0.02
    assert found.nsd(5 + max(spacing)) > 0.95


@pytest.mark.parametrize('step', [1, 3])
def test_a_shifted_sphere_is_apart_as_geometry_says(step):
    spacing = (1.0, 1.0, 1.0)
    sphere = ball(12, spacing)
    found = distances(np.roll(sphere, step, axis=0), sphere, affine=affine(*spacing))
    # Distances of a sphere moved by d are d |cos| to first order: mean d / 2, 95 % at 0.95 d.
    assert found.assd == pytest.approx(step / 2, abs=0.1)
    assert found.hd95 == pytest.approx(0.95 * step, abs=0.3)


def test_a_moved_plate_has_the_figures_counted_by_hand():
    plate = np.zeros((40, 42, 9), dtype=bool)
    plate[:, :, 3:5] = True
    found = distances(np.roll(plate, 1, axis=2), plate, affine=affine(1.0, 1.0, 2.5))
    # Both faces are 2.5 mm off, but the border of either is also one of the other's sides.
    assert found.hd95 == 2.5
    assert found.nsd(2.5) == 1.0
    assert 0 < found.nsd(1.0) < 0.25


def test_equal_masks_are_not_apart():
    sphere = ball(6, (0.8, 1.0, 3.0), reach=9.0)
    values = {k: s.value for k, s in surfaces(sphere, sphere, affine=affine(0.8, 1, 3)).items()}
    assert values == {'hd95': 0.0, 'assd': 0.0, 'nsd_1mm': 1.0, 'nsd_2mm': 1.0}


def test_empty_masks_are_equal_and_one_empty_mask_is_infinitely_far():
    sphere = ball(4, (1.0, 1.0, 1.0), reach=6.0)
    nothing = np.zeros_like(sphere)
    both = surfaces(nothing, nothing, affine=np.eye(4))
    assert [score.value for score in both.values()] == [0.0, 0.0, 1.0, 1.0]
    for pair in ((sphere, nothing), (nothing, sphere)):
        one = surfaces(*pair, affine=np.eye(4))
        assert [score.value for score in one.values()] == [math.inf, math.inf, 0.0, 0.0]


def brute_force(first, second, spacing, middle):
    """The same figures from all pairs of elements, without distance transforms or windows."""
    areas = cell_areas(affine(*spacing))
    places, weights, centres = [], [], cell_centres()
    for mask in (first, second):
        codes = cells(np.pad(mask, 1))
        index = np.argwhere((codes != 0) & (codes != 255))
        kinds = codes[tuple(index.T)]
        places.append((index + middle * (centres[kinds] - 0.5)) * np.array(spacing))
        weights.append(areas[kinds])
    apart = np.linalg.norm(places[0][:, None] - places[1][None], axis=-1)
    directed = [apart.min(axis=1), apart.min(axis=0)]
    percentiles = []
    for values, weight in zip(directed, weights, strict=True):
        below = [weight[values <= value].sum() / weight.sum() for value in values]
        reached = [
            value for value, share in zip(values, below, strict=True) if share >= 0.95 - 1e-9
        ]
        percentiles.append(min(reached))
    total = sum(weight.sum() for weight in weights)
    pairs = list(zip(directed, weights, strict=True))
    assd = sum(values @ weight for values, weight in pairs) / total
    nsd = sum(weight[values <= 1 + 1e-9].sum() for values, weight in pairs) / total
    return max(percentiles), assd, nsd


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_random_masks_agree_with_a_search_of_all_pairs(seed):
    generator = np.random.default_rng(seed)
    first, second = generator.random((2, 6, 7, 5)) < 0.3
    first[0, 0, 0] = second[5, 6, 4] = True
    spacing = (0.7, 1.1, 3.0)
    for measure, middle in ((distances, 1.0), (cell_distances, 0.0)):
        found = measure(first, second, affine=affine(*spacing))
        expected = brute_force(first, second, spacing, middle)
        assert (found.hd95, found.assd, found.nsd(1.0)) == pytest.approx(expected)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), axis=st.integers(0, 2))
def test_flips_and_swaps_change_nothing(seed, axis):
    generator = np.random.default_rng(seed)
    first, second = generator.random((2, 6, 7, 5)) < 0.3
    first[0, 0, 0] = second[5, 6, 4] = True
    grid = affine(0.7, 1.1, 3.0)
    before = distances(first, second, affine=grid)
    after = distances(np.flip(second, axis), np.flip(first, axis), affine=grid)
    assert (after.hd95, after.assd) == pytest.approx((before.hd95, before.assd))
