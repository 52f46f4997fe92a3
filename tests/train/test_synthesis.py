# SPDX-License-Identifier: Apache-2.0
"""Painting on a made-up head: a ball of tissues, small grids, neutral and random draws."""

from __future__ import annotations

import importlib
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_seg.segment import normalise
from bids_seg.train import heads, tissues
from bids_seg.train.synthesis import (
    brain,
    deform,
    degrade,
    examination,
    glioma,
    metastases,
    noise,
    paint,
    strip,
)
from bids_seg.train.synthesis import normalise as twins
from bids_seg.train.synthesis.ranges import BRAIN, GLIOMA, METASTASES, Ranges

SHAPE = (24, 32, 28)
SPACING = 6.0
EDGE = 65.0
"""mm from the head's middle to the edge of the (grown) brain mask."""

TYPES = (np.float32, np.int32, np.uint32, np.uint8)

CASES = {
    'brain': (brain, SHAPE, SPACING),
    'glioma': (glioma, SHAPE, SPACING),
    'metastases': (metastases, SHAPE, 2.0),
}


@pytest.fixture(scope='module')
def head():
    axes = [np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in heads.SHAPE]
    i, j, k = np.meshgrid(*axes, indexing='ij', sparse=True)
    radius = np.sqrt(i**2 + j**2 + k**2, dtype=np.float32)
    classes = np.zeros(heads.SHAPE, np.uint8)
    for limit, name in (
        (84, 'skin'),
        (81, 'outer soft tissue'),
        (75, 'bone'),
        (68, 'outer csf'),
        (66, 'csf'),
        (64, 'cortex left'),
        (58, 'white matter left'),
        (12, 'ventricle left'),
    ):
        classes[radius < limit] = tissues.INDEX[name]
    rng = np.random.default_rng(5)
    places = rng.uniform(-30, 30, (400, 3)).astype(np.float32)
    outer = places / np.linalg.norm(places, axis=1, keepdims=True) * EDGE
    return heads.Head(
        name='99',
        weight=1.0,
        codes=heads.pack(classes, radius - EDGE),
        centre=(0.0, 0.0, 0.0),
        eyes=(0.0, 60.0, -30.0),
        neck=False,
        candidates={
            **dict.fromkeys((*heads.CANDIDATES, 'near cortex'), places),
            'surface': outer.astype(np.float32),
        },
    )


def drawn(case, head, seed=0, **changes):
    module, shape, spacing = CASES[case]
    draw = module.draw(np.random.default_rng((seed, 1)), [head], shape=shape, spacing=spacing)
    return {**draw, **changes}


def rendered(case, head, draw):
    module = CASES[case][0]
    numbers = {key: value for key, value in draw.items() if key != 'head'}
    return {
        key: np.asarray(value) for key, value in module.render(dict(head.arrays), numbers).items()
    }


def neutral(head):
    """A brain draw in which nothing happens to the tissue."""
    draw = drawn('brain', head)
    for axis, size in zip('ijk', SHAPE, strict=True):
        draw[f'down_{axis}'] = draw[f'up_{axis}'] = np.eye(size, dtype=np.float32)
        draw[f'coil_{axis}'] = draw[f'inside_{axis}'] = np.ones(size, np.float32)
    zero = ('elastic', 'shift', 'spread', 'bias', 'noise_level', 'blob_there', 'strip_dent')
    for key in zero:
        draw[key] = np.zeros_like(draw[key])
    return {
        **draw,
        'affine': np.eye(3, dtype=np.float32) * np.float32(SPACING),
        'strip': np.float32(degrade.FAR),
        'face': np.asarray([0, 0, 0, -1], np.float32),
        'gamma': np.float32(1),
        'window': np.asarray([0, 1], np.float32),
        'values': np.linspace(0.1, 0.9, len(tissues.TISSUES)).astype(np.float32),
    }


def places():
    """Return mm from the head's middle, `(I, J, K, 3)`."""
    axes = [(np.arange(n) - (n - 1) / 2) * SPACING for n in SHAPE]
    return np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1)


# Draws: NumPy alone


@pytest.mark.parametrize('case', CASES)
def test_the_same_seed_draws_the_same_numbers_and_another_seed_others(case, head):
    one, again, other = drawn(case, head, 3), drawn(case, head, 3), drawn(case, head, 4)
    assert all(np.array_equal(one[key], again[key]) for key in one)
    assert not np.array_equal(one['values'], other['values'])


@pytest.mark.parametrize('case', CASES)
def test_every_draw_has_one_signature(case, head):
    def signature(draw):
        return {
            key: (np.asarray(value).shape, np.asarray(value).dtype) for key, value in draw.items()
        }

    first = signature(drawn(case, head, 0))
    assert all(signature(drawn(case, head, seed)) == first for seed in range(1, 12))
    odd = {key: dtype for key, (_, dtype) in first.items() if dtype not in TYPES}
    assert not odd


@given(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_affine_maps_stay_in_their_ranges(seed):
    affine = deform.draw_affine(np.random.default_rng(seed), BRAIN, spacing=2.0)
    volume = abs(np.linalg.det(affine)) / 8
    smallest, largest = BRAIN.scale[0] * BRAIN.axis_scale[0], BRAIN.scale[1] * BRAIN.axis_scale[1]
    assert 0.99 / largest**3 < volume < 1.01 / smallest**3
    singular = np.linalg.svd(affine, compute_uv=False)
    assert 2 / largest * 0.95 < singular[-1] <= singular[0] < 2 / smallest * 1.05


@given(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_scans_stay_in_their_ranges(seed):
    rng = np.random.default_rng(seed)
    scan = degrade.draw_scan(rng, BRAIN, shape=(20, 24, 22), spacing=2.0, brightest=2.0)
    assert 0 <= scan['noise_level'] <= 2 * BRAIN.noise[1] + 1e-6
    for axis in 'ijk':
        sums = scan[f'down_{axis}'].sum(1)
        assert sums.max() < 1 + 1e-4
        np.testing.assert_allclose(scan[f'up_{axis}'].sum(1), 1, atol=1e-4)
        assert 0 <= scan[f'coil_{axis}'].min() <= scan[f'coil_{axis}'].max() <= 1


@given(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_known_tissues_stay_in_their_rows(seed):
    rng = np.random.default_rng(seed)
    values, lesion = paint.examination(rng, replace(GLIOMA, suppressed_fat=0.0))
    for channel, contrast in enumerate(tissues.CONTRASTS):
        low, high = tissues.BRIGHTNESS['cortex'][contrast]
        assert 0.9 * low <= values[tissues.INDEX['cortex left'], channel] <= 1.1 * high
        low, high = tissues.BRIGHTNESS['oedema'][contrast]
        assert low - 1e-6 <= lesion[0, channel] <= high + 1e-6
    left, right = (tissues.INDEX[f'cortex {side}'] for side in ('left', 'right'))
    np.testing.assert_array_equal(values[left], values[right])


def test_uptake_is_seen_with_contrast_medium_alone():
    enhancing = tissues.LESION_TISSUES.index('enhancing')
    with_medium, without = (tissues.CONTRASTS.index(name) for name in ('T1wCE', 'T1w'))
    lesions = [paint.examination(np.random.default_rng(seed), GLIOMA)[1] for seed in range(200)]
    seen = np.array([lesion[enhancing, with_medium] for lesion in lesions])
    assert all(lesion[enhancing, without] <= 1.0 + 1e-6 for lesion in lesions)
    low, high = GLIOMA.faint
    assert seen.min() >= low - 1e-6
    # Uptake of the table begins at 1.12.
    assert 0.2 < np.mean(seen < 1.12) / ((1.12 - low) / (high - low)) < 0.4


def test_subsets_always_hold_flair_or_enhanced_t1w_in_their_shares():
    rng = np.random.default_rng(0)
    found = np.stack([glioma.subset(rng) for _ in range(2000)])
    needed = [glioma.CONTRASTS.index(name) for name in ('FLAIR', 'T1wCE')]
    assert found[:, needed].any(1).all()
    assert abs(found.all(1).mean() - 0.24) < 0.04
    alone = found[:, glioma.CONTRASTS.index('T1wCE')] * (found.sum(1) == 1)
    assert abs(alone.mean() - 0.20) < 0.03
    assert np.isclose(sum(share for share, _ in glioma.SUBSETS), 1)


def test_every_range_is_ordered_and_every_chance_a_share():
    for table in (BRAIN, GLIOMA, METASTASES):
        for field in fields(Ranges):
            value = getattr(table, field.name)
            if isinstance(value, tuple):
                assert value[0] <= value[1], field.name
            elif field.name.endswith('chance'):
                assert 0 <= value <= 1, field.name


def test_layers_turn_the_fluids_edge_into_dura_or_leave_it():
    found = {paint.layers(np.random.default_rng(seed), BRAIN)['outer csf'] for seed in range(40)}
    assert found >= {'dura', 'csf'}
    values = np.arange(len(tissues.TISSUES), dtype=np.float32)
    same = paint.alike(values, {'outer csf': 'dura'})
    assert same[tissues.INDEX['outer csf']] == values[tissues.INDEX['dura']]
    assert same[tissues.INDEX['csf']] == values[tissues.INDEX['csf']]


# Matrices along an axis


def test_thick_slices_average_and_come_back_in_place():
    ramp = np.arange(30.0)
    lower, count = degrade.down(30, step=5.0, thickness=5.0, blur=0.2)
    assert count == 6
    slices = lower @ ramp
    np.testing.assert_allclose(slices[:6], np.arange(6) * 5 + 2, atol=0.6)
    assert not slices[6:].any()
    for way in ('linear', 'nearest', 'cubic'):
        back = degrade.up(30, step=5.0, count=count, way=way) @ slices
        limit = 0.1 if way != 'nearest' else 2.6
        assert np.abs(back - ramp)[8:22].max() < limit, way


def test_a_slip_moves_the_slices():
    ramp = np.arange(30.0)
    straight, _ = degrade.down(30, step=1.0, thickness=1.0, blur=0.0)
    slipped, _ = degrade.down(30, step=1.0, thickness=1.0, blur=0.0, slip=0.5)
    np.testing.assert_allclose((slipped @ ramp - straight @ ramp)[5:25], 0.5, atol=0.02)


def test_neutral_faults_are_the_identity():
    np.testing.assert_array_equal(degrade.ghosts(9, shift=4, amount=0.0), np.eye(9))
    np.testing.assert_array_equal(degrade.wrap(9, low=0, high=9), np.eye(9))
    folded = degrade.wrap(9, low=2, high=9)
    np.testing.assert_array_equal(np.flatnonzero(folded[:, 0]), [0, 7])


def test_folding_shortens_the_field(head):
    draw = neutral(head)
    always = replace(BRAIN, wrap_chance=1.0)
    found = degrade.draw_folding(np.random.default_rng(1), always, draw)
    (name,) = (key for key in found if key.startswith('inside'))
    assert found[name].sum() < draw[name].sum()
    never = replace(BRAIN, wrap_chance=0.0)
    assert degrade.draw_folding(np.random.default_rng(1), never, draw) == {}


def test_splines_sum_to_one_and_follow_a_ramp():
    weights = noise.spline_matrix(5.0, 23, 9)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(weights @ (np.arange(9) - 1.0), np.arange(23) / 5, atol=1e-5)


# In the compiled function


@pytest.mark.slow
@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=3)
def test_noise_is_normal_and_depends_on_its_seed(seed):
    one, other = (np.asarray(part) for part in noise.normal_pair(np.uint32(seed), (20, 24, 22)))
    assert abs(one.mean()) < 0.05
    assert abs(one.std() - 1) < 0.05
    assert abs(np.mean(one**4) - 3) < 0.5
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05
    assert abs(np.corrcoef(one[1:].ravel(), one[:-1].ravel())[0, 1]) < 0.05
    again, _ = noise.normal_pair(np.uint32(seed), (20, 24, 22))
    np.testing.assert_array_equal(one, np.asarray(again))
    even = np.asarray(noise.uniform(np.uint32(seed), (20, 24, 22)))
    assert 0 < even.min() < even.max() < 1
    assert abs(even.mean() - 0.5) < 0.02


@pytest.mark.slow
def test_noise_is_the_same_on_every_backend():
    found = np.asarray(noise.words(np.uint32(7), 4))
    state = (np.arange(4, dtype=np.uint64) * 0x9E3779B9 + 7) % 2**32
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        state = ((state ^ (state >> np.uint64(shift))) * np.uint64(factor)) % 2**32
    np.testing.assert_array_equal(found, state ^ (state >> np.uint64(16)))


@pytest.mark.slow
@pytest.mark.parametrize('pitch', [2.0, 3.7, 6.0])
def test_smooth_noise_has_unit_spread_at_every_pitch(pitch):
    field = np.asarray(noise.smooth(np.uint32(5), pitch, (40, 44, 48), finest=2.0))
    assert abs(field.std() - 1) < 0.15
    assert np.corrcoef(field[1:].ravel(), field[:-1].ravel())[0, 1] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize('share', [0.0, 0.6])
def test_both_ways_to_normalise_give_the_same_numbers(share):
    rng = np.random.default_rng(2)
    image = rng.gamma(2.0, 50.0, (13, 17, 11)).astype(np.float32)
    mask = rng.random(image.shape) >= share
    held = mask.astype(np.float32)
    unit = np.asarray(twins.unit(image, held, stride=1))
    np.testing.assert_allclose(unit, normalise.to_unit(image, mask), atol=1e-5)
    score = np.asarray(twins.score(image, held, stride=1))
    np.testing.assert_allclose(score, normalise.to_score(image, mask), atol=1e-4)


@pytest.mark.slow
def test_fewer_voxels_give_nearly_the_same_percentiles():
    image = np.random.default_rng(2).gamma(2.0, 50.0, (40, 44, 48)).astype(np.float32)
    full = normalise.to_score(image, np.ones(image.shape, bool))
    few = np.asarray(twins.score(image, np.ones_like(image)))
    np.testing.assert_allclose(few, full, rtol=0.15, atol=0.1)


@pytest.mark.slow
def test_nothing_is_normalised_where_nothing_is():
    empty = np.zeros((6, 7, 8), np.float32)
    assert not np.asarray(twins.unit(empty, np.ones_like(empty))).any()
    assert np.isfinite(np.asarray(twins.score(empty, empty))).all()


@pytest.mark.slow
def test_a_neutral_draw_leaves_the_image_as_painted(head):
    draw = neutral(head)
    found = rendered('brain', head, draw)['image'][..., 0]
    painted = np.zeros(SHAPE)
    for step in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)):
        at = places() + np.asarray(step) * SPACING / 4
        voxel = np.floor(at + np.asarray(heads.SHAPE) / 2).astype(int)
        voxel = np.clip(voxel, 0, np.asarray(heads.SHAPE) - 1)
        classes, _ = heads.unpack(head.codes[tuple(np.moveaxis(voxel, -1, 0))])
        painted += draw['values'][classes] / 4
    # Soft tissue is split at random, so only voxels without it are compared.
    radius = np.linalg.norm(places(), axis=-1)
    known = (np.abs(radius - 78) > SPACING + 3) & (radius < 80)
    ratio = np.polyfit(painted[known], found[known], 1)
    np.testing.assert_allclose(np.polyval(ratio, painted[known]), found[known], atol=2e-3)
    assert ratio[0] > 0


@pytest.mark.slow
def test_the_target_is_a_soft_edge_one_voxel_wide_around_the_mask(head):
    found = rendered('brain', head, neutral(head))
    radius = np.linalg.norm(places(), axis=-1)
    expected = np.clip(0.5 - (radius - EDGE) / SPACING, 0, 1)
    np.testing.assert_allclose(found['target'][..., 0], expected, atol=0.1)
    assert abs(found['target'].sum() - expected.sum()) < 0.01 * expected.sum()
    near = np.abs(radius - EDGE)
    weight = found['weight'][..., 0]
    assert (weight[near < brain.BORDER - 1] == brain.BORDER_WEIGHT).all()
    assert (weight[near > brain.BORDER + 1] == 1).all()


@pytest.mark.slow
def test_what_the_field_cuts_off_is_neither_image_nor_target(head):
    draw = neutral(head)
    draw['inside_k'] = draw['inside_k'].copy()
    draw['inside_k'][:12] = 0
    found = rendered('brain', head, draw)
    assert not found['image'][:, :, :12].any()
    assert not found['target'][:, :, :12].any()
    assert found['target'][:, :, 12:].any()


@pytest.mark.slow
def test_a_stripped_head_is_black_outside_its_mask(head):
    draw = {**neutral(head), 'strip': np.float32(2.0)}
    found = rendered('brain', head, draw)['image'][..., 0]
    radius = np.linalg.norm(places(), axis=-1)
    # The mask that is drawn on is the tight one, a millimetre inside the grown edge.
    assert found[radius > EDGE + 1 + 2].max() < 1e-3
    assert found[(radius > 20) & (radius < EDGE - 8)].min() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize('case', CASES)
def test_samples_are_finite_repeatable_and_of_fixed_shape(case, head):
    draw = drawn(case, head, 11)
    one, again = rendered(case, head, draw), rendered(case, head, draw)
    shape = CASES[case][1]
    channels = {'brain': (1, 1, 1), 'glioma': (8, 3, 3), 'metastases': (1, 1, 1)}[case]
    for key, count in zip(('image', 'target', 'weight'), channels, strict=True):
        assert one[key].shape == (*shape, count)
        assert one[key].dtype == np.float32
        assert np.isfinite(one[key]).all()
        np.testing.assert_array_equal(one[key], again[key])
    assert 0 <= one['target'].min() <= one['target'].max() <= 1
    low, high = (0, 1.0001) if case == 'brain' else twins.SCORE_LIMITS
    assert low <= one['image'].min() <= one['image'].max() <= high


@pytest.mark.slow
def test_an_absent_contrast_is_zero_and_enhancement_is_not_asked_for(head):
    present = np.asarray([0, 1, 0, 1], np.float32)
    found = rendered('glioma', head, drawn('glioma', head, 2, present=present))
    image = found['image']
    for channel, there in enumerate(present):
        assert image[..., channel].any() == bool(there)
        assert (image[..., 4 + channel] == there).all()
    assert not found['weight'][..., 2].any()
    assert found['weight'][..., 0].any()


@pytest.mark.slow
def test_what_lies_beyond_the_margin_of_the_mask_is_zero(head):
    draw = drawn('glioma', head, 2, present=np.ones(4, np.float32))
    for key in ('elastic', 'shift', 'blob_there', 'mask_dent', 'push_alpha'):
        draw[key] = np.zeros_like(draw[key])
    draw['affine'] = np.eye(3, dtype=np.float32) * np.float32(SPACING)
    found = rendered('glioma', head, draw)
    radius = np.linalg.norm(places(), axis=-1)
    far = radius > EDGE + draw['mask_shown'] + 1
    assert not found['image'][far][:, :4].any()
    assert not found['target'][far].any()
    inside = radius < EDGE - 12
    assert (found['image'][inside][:, :4] != 0).mean() > 0.98


@pytest.mark.slow
def test_pieces_left_in_or_missing_change_the_masks(head):
    draw = strip.draw(np.random.default_rng(0), head, replace(GLIOMA, piece_chance=1.0))
    spots = tuple(np.moveaxis(places(), -1, 0).astype(np.float32))
    distance = (np.linalg.norm(places(), axis=-1) - EDGE).astype(np.float32)
    wrong = strip.masks(draw, spots, distance, finest=2.0)
    draw['blob_there'] = np.zeros(2, np.float32)
    right = strip.masks(draw, spots, distance, finest=2.0)
    more = np.asarray(wrong.brain) & ~np.asarray(right.brain)
    less = np.asarray(right.brain) & ~np.asarray(wrong.brain)
    assert more.any()
    assert less.any()
    assert not (np.asarray(right.brain) & ~np.asarray(right.shown)).any()


@pytest.mark.slow
def test_every_module_that_is_trained_has_draw_and_render():
    for name in CASES:
        module = importlib.import_module(f'bids_seg.train.synthesis.{name}')
        assert all(side % 16 == 0 for side in module.SHAPE)
        assert callable(module.draw)
        assert callable(module.render)
    assert set(examination.KEYS) >= {'bias', 'gamma', 'noise_seed'}
