# SPDX-License-Identifier: Apache-2.0
"""Planted lesions on small made-up heads: shapes, nesting, walls, mass effect."""

import numpy as np
import pytest

from bids_seg.train import heads, tissues
from bids_seg.train.synthesis.lesions import (
    glioma_draw,
    log_normal,
    mass_effect_draw,
    mixture,
)

SHAPE = (32, 40, 36)
"""Voxels of the small grids; 2 mm."""

SPACING = 2.0


@pytest.fixture(scope='module')
def head():
    """A ball of white matter of radius 60 mm, cortex around it, fluid, bone, air."""
    grid = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in heads.SHAPE), indexing='ij'))
    radius = np.sqrt((grid**2).sum(0)).astype(np.float32)
    classes = np.zeros(heads.SHAPE, np.uint8)
    right = grid[0] > 0
    classes[radius < 75] = tissues.INDEX['bone']
    classes[radius < 68] = tissues.INDEX['csf']
    for side, where in (('left', ~right), ('right', right)):
        classes[(radius < 64) & where] = tissues.INDEX[f'cortex {side}']
        classes[(radius < 60) & where] = tissues.INDEX[f'white matter {side}']
    rng = np.random.default_rng(5)
    places = rng.uniform(-30, 30, (500, 3)).astype(np.float32)
    outer = places / np.linalg.norm(places, axis=1, keepdims=True) * 64
    names = (*heads.CANDIDATES, 'near cortex')
    return heads.Head(
        name='99',
        weight=1.0,
        codes=heads.pack(classes, radius - 65),
        centre=(0.0, 0.0, 0.0),
        eyes=(0.0, 60.0, -30.0),
        neck=False,
        candidates={**dict.fromkeys(names, places), 'surface': outer},
    )


@pytest.fixture
def scene(head):
    """One ball of radius 12 mm in white matter, without roughness, oedema or push."""
    out = glioma_draw.nothing(np.random.default_rng(3), head)
    out['centre'][0] = (3.0, -4.0, 5.0)
    out['radius'][0] = 12.0
    out['rough'] = np.zeros(3)
    out['grow'] = tissues.table({'brain': 1.0})
    return out


def points(shape=SHAPE, spacing=SPACING):
    """Return mm positions around the origin, `(I, J, K, 3)`."""
    axes = [((np.arange(n) - (n - 1) / 2) * spacing).astype(np.float32) for n in shape]
    return np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1)


def labels_at(head, places):
    """Return the head's tissue at positions."""
    voxel = np.floor(places + np.asarray(heads.SHAPE) / 2).astype(int)
    voxel = np.clip(voxel, 0, np.asarray(heads.SHAPE) - 1)
    return heads.unpack(head.codes[tuple(np.moveaxis(voxel, -1, 0))])[0].astype(np.int32)


def planted(head, scene, *, shape=SHAPE):
    """Return labels and what the glioma module plants, as NumPy arrays."""
    from bids_seg.train.synthesis.lesions import glioma

    draw = {name: np.asarray(value, np.float32) for name, value in scene.items()}
    places = points(shape)
    labels = labels_at(head, places - np.asarray(glioma.push(places, draw)))
    out = glioma.plant(labels, places, draw, spacing=SPACING)
    return labels, np.asarray(out.weights), np.asarray(out.targets), np.asarray(out.weight)


def test_the_same_seed_draws_the_same_scene(head):
    one, two = (glioma_draw.draw(np.random.default_rng((1, 2)), head) for _ in range(2))
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name])


def test_every_kind_of_scene_has_the_same_shapes_and_types(head):
    signatures = set()
    for kind, (_, fill) in glioma_draw.KINDS.items():
        rng = np.random.default_rng(len(kind))
        scene = glioma_draw.nothing(rng, head)
        fill(rng, head, scene)
        signatures.add(tuple((name, np.shape(value)) for name, value in sorted(scene.items())))
    assert len(signatures) == 1
    drawn = glioma_draw.draw(np.random.default_rng(0), head)
    assert {value.dtype for value in drawn.values()} == {np.dtype(np.float32)}
    assert tuple((name, value.shape) for name, value in sorted(drawn.items())) in signatures


def test_strengths_of_mass_effect_add_up_to_less_than_half(head):
    sums = [
        glioma_draw.draw(np.random.default_rng((4, i)), head)['push_alpha'].sum() for i in range(60)
    ]
    assert max(sums) <= 0.4501
    assert max(sums) > 0.2


def test_sizes_stay_within_their_limits():
    rng = np.random.default_rng(0)
    sizes = [log_normal(rng, median=19, spread=0.5, low=4, high=42) for _ in range(500)]
    assert min(sizes) >= 4
    assert max(sizes) <= 42
    assert 16 < np.median(sizes) < 21


def test_a_mixture_draws_names_as_often_as_asked():
    rng = np.random.default_rng(0)
    drawn = [mixture(rng, {'often': 3.0, 'seldom': 1.0, 'never': 0.0}) for _ in range(400)]
    assert drawn.count('never') == 0
    assert 70 < drawn.count('seldom') < 130


def test_depth_is_zero_outside_and_one_deep_inside(head):
    depth = mass_effect_draw.depth(head)
    assert depth[0, 0, 0] == 0
    assert depth[22, 30, 32] == 1


@pytest.mark.slow
def test_a_smooth_ball_has_the_volume_of_a_ball(head, scene):
    _, _, targets, weight = planted(head, scene)
    # Stretching the half grid linearly cuts 0.2 mm off a ball of this size.
    volume = targets[..., 1].sum() * SPACING**3
    assert volume == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.08)
    np.testing.assert_array_equal(targets[..., 0], targets[..., 1])
    assert weight.min() == 1


@pytest.mark.slow
def test_a_scene_without_a_lesion_has_empty_targets(head):
    empty = glioma_draw.nothing(np.random.default_rng(0), head)
    _, weights, targets, weight = planted(head, empty)
    assert not targets.any()
    assert weights.max() < 1e-6
    assert (weight == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    'kind', ['ring', 'mixed', 'low grade', 'after surgery', 'recurrent', 'wedge']
)
def test_targets_are_nested_and_lie_in_the_brain(head, kind):
    rng = np.random.default_rng((8, len(kind)))
    filled = glioma_draw.nothing(rng, head)
    glioma_draw.KINDS[kind][1](rng, head, filled)
    labels, weights, targets, weight = planted(head, filled, shape=(64, 72, 68))
    assert (targets[..., 0] >= targets[..., 1]).all()
    assert (targets[..., 1] >= targets[..., 2]).all()
    inside = np.isin(
        labels, (*tissues.members('brain'), *tissues.members('fluid'), *tissues.members('vessel'))
    )
    assert not targets[~inside].any()
    assert weights[~inside].max() < 1e-6
    assert weights.min() >= 0
    assert weights.sum(-1).max() <= 1 + 1e-5
    assert weight.min() > 0
    assert targets.any() == (kind != 'wedge')
    assert weights.max() > 0.9


@pytest.mark.slow
def test_a_dural_ball_is_painted_but_ignored(head):
    rng = np.random.default_rng(3)
    filled = glioma_draw.nothing(rng, head)
    glioma_draw.KINDS['dural ball'][1](rng, head, filled)
    _, weights, targets, weight = planted(head, filled, shape=(72, 72, 72))
    bright = weights[..., 2] > 0.5
    assert bright.any()
    assert not targets.any()
    assert (weight[bright] == 0).all()
    assert weight.max() == 1


@pytest.mark.slow
def test_oedema_runs_through_white_matter_and_spares_cortex(head, scene):
    scene['centre'][0] = (0.0, 40.0, 0.0)
    scene['radius'][0] = 8.0
    scene['oedema'] = np.asarray(20.0)
    labels, _, targets, _ = planted(head, scene, shape=(68, 72, 68))
    oedema = (targets[..., 0] > 0) & (targets[..., 1] == 0)
    # Cortex begins 20 mm from the centre, beyond the core: 12 mm of white matter lie between.
    white = np.isin(labels, tissues.members('white matter'))
    assert oedema[white].sum() > 3000
    assert oedema[~white].sum() < 0.05 * oedema.sum()


@pytest.mark.slow
@pytest.mark.parametrize('alpha', [0.2, 0.45])
def test_mass_effect_folds_nothing(head, scene, alpha):
    from bids_seg.train.synthesis.lesions import glioma

    scene['push_centre'][0] = (25.0, 20.0, 30.0)
    scene['push_radius'][0] = 20.0
    scene['push_alpha'][0] = alpha
    draw = {name: np.asarray(value, np.float32) for name, value in scene.items()}
    places = points((72, 72, 72))
    source = places - np.asarray(glioma.push(places, draw))
    rows = [np.gradient(source[..., a], SPACING, axis=(0, 1, 2)) for a in range(3)]
    jacobian = np.linalg.det(np.moveaxis(np.asarray(rows), (0, 1), (-2, -1)))
    assert jacobian.min() > 0
    assert np.abs(source - places).max() == pytest.approx(alpha * 20, rel=0.25)
    # Beyond the skull nothing moves.
    outside = np.linalg.norm(places, axis=-1) > 70
    assert np.abs((source - places)[outside]).max() < 0.05


@pytest.mark.slow
def test_positions_may_come_as_three_arrays(head, scene):
    from bids_seg.train.synthesis.lesions import glioma

    scene['push_radius'][0], scene['push_alpha'][0] = 12.0, 0.3
    draw = {name: np.asarray(value, np.float32) for name, value in scene.items()}
    places = points()
    whole = np.asarray(glioma.push(places, draw))
    parts = glioma.push(tuple(np.moveaxis(places, -1, 0)), draw)
    np.testing.assert_allclose(whole, np.stack([np.asarray(p) for p in parts], -1), atol=1e-6)


@pytest.mark.slow
def test_travel_goes_round_a_wall():
    from bids_seg.train.synthesis.lesions import geometry

    start = np.full((9, 11, 7), geometry.FAR, np.float32)
    start[1, 5, 3] = 0
    open_ = np.ones_like(start)
    free = np.asarray(geometry.travel_time(start, open_, spacing=2.0, sweeps=20))
    assert free[7, 5, 3] == pytest.approx(12.0)
    assert free[3, 7, 5] == pytest.approx(2 * 2 * 3**0.5)
    walled = open_.copy()
    walled[4, :9] = 1e4
    times = np.asarray(geometry.travel_time(start, walled, spacing=2.0, sweeps=20))
    assert times[7, 5, 3] > 1.4 * free[7, 5, 3]
    walled[4] = 1e4
    times = np.asarray(geometry.travel_time(start, walled, spacing=2.0, sweeps=20))
    assert (times[4:] == geometry.FAR).all()


@pytest.mark.slow
def test_only_what_hangs_together_with_a_seed_is_reached():
    from bids_seg.train.synthesis.lesions import geometry

    free = np.zeros((9, 8, 7), np.float32)
    free[1:4, 2:5, 2:5] = 1
    free[4, 5, 5] = 1
    free[7:, 2:5, 2:5] = 1
    seeds = np.zeros_like(free)
    seeds[1, 2, 2] = 1
    found = np.asarray(geometry.reached(seeds, free, sweeps=12))
    assert found[:5].sum() == 28
    assert not found[5:].any()


@pytest.mark.slow
def test_smooth_noise_has_unit_spread_and_repeats():
    from bids_seg.train.synthesis.lesions import geometry

    controls = np.random.default_rng(0).standard_normal((2, 16, 16, 16), np.float32)
    noise = np.asarray(geometry.smooth_noise(controls, (40, 30, 20), spacing=2.0, step=4.0))
    assert noise.shape == (2, 40, 30, 20)
    assert noise.std() == pytest.approx(1.0, abs=0.1)
    np.testing.assert_allclose(noise[:, 0], noise[:, 32], atol=1e-5)


@pytest.mark.slow
def test_distances_agree_with_their_definition():
    from bids_seg.train.synthesis.lesions import geometry

    rng = np.random.default_rng(0)
    places = points((4, 6, 5))
    centres = rng.uniform(-60, 60, (3, 3)).astype(np.float32)
    metrics = rng.normal(0, 0.7, (3, 3, 3)).astype(np.float32)
    found = np.asarray(geometry.distances(geometry.axes(places), centres, metrics))
    away = places[None] - centres[:, None, None, None]
    expected = np.linalg.norm(np.einsum('fab,fijkb->fijka', metrics, away), axis=-1)
    np.testing.assert_allclose(found, expected, atol=2e-2)


@pytest.mark.slow
def test_a_linear_grid_is_interpolated_exactly():
    from bids_seg.train.synthesis.lesions import geometry

    ramp = np.arange(5, dtype=np.float32)
    grid = ramp[:, None, None] + 10 * ramp[None, :4, None] + 100 * ramp[None, None, :3]
    places = points((6, 5, 4), 1.0)
    found = np.asarray(geometry.interpolated(grid, geometry.axes(places), pitch=2.0))
    centre = [2.0, 1.5, 1.0]
    expected = sum(
        scale * np.clip(places[..., a] / 2 + centre[a], 0, None)
        for a, scale in enumerate((1, 10, 100))
    )
    np.testing.assert_allclose(found, expected, atol=0.3)
