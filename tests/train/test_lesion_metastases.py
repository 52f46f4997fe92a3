# SPDX-License-Identifier: Apache-2.0
"""Metastases and vessels on a made-up head: sizes, faintness, what is asked and what is not."""

import numpy as np
import pytest

from bids_seg.train import heads, tissues
from bids_seg.train.synthesis.lesions import metastases_draw, vessels

SHAPE = (32, 40, 36)
"""Voxels of the small grids; 1 mm."""


@pytest.fixture(scope='module')
def head():
    """A ball of white matter of radius 60 mm, cortex around it, fluid, bone, air."""
    grid = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in heads.SHAPE), indexing='ij'))
    radius = np.sqrt((grid**2).sum(0)).astype(np.float32)
    classes = np.zeros(heads.SHAPE, np.uint8)
    classes[radius < 75] = tissues.INDEX['bone']
    classes[radius < 68] = tissues.INDEX['csf']
    classes[radius < 64] = tissues.INDEX['cortex left']
    classes[radius < 60] = tissues.INDEX['white matter left']
    rng = np.random.default_rng(5)
    places = rng.uniform(-34, 34, (800, 3)).astype(np.float32)
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


def lesion(radius, centre=(2.3, -3.1, 4.2), **changes):
    """Return a solid metastasis without oedema."""
    made = metastases_draw.Lesion(
        radius=radius,
        centre=np.asarray(centre),
        hollow=metastases_draw.NEVER,
        uptake=1.0,
        blood=0.0,
        oedema=0.0,
    )
    return made._replace(**changes)


def planted(head, *lesions, vessel=False, middle=(0.0, 0.0, 0.0), shape=SHAPE):
    """Return labels and what is planted of smooth balls, as NumPy arrays."""
    from bids_seg.train.synthesis.lesions import metastases

    rng = np.random.default_rng(3)
    scene = metastases_draw.nothing(rng, head)
    metastases_draw.place(rng, scene, list(lesions))
    for row in ('big', 'small'):
        scene[f'{row}_rough'][:] = 0
        scene[f'{row}_metric'][:] = np.eye(3)
    draw = {name: np.asarray(value, np.float32) for name, value in scene.items()}
    draw.update(vessels.draw(rng, head, np.asarray(middle)))
    if not vessel:
        draw['vessels'] = np.zeros_like(draw['vessels'])
    axes = [(np.arange(n) - (n - 1) / 2).astype(np.float32) for n in shape]
    places = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1) + np.float32(middle)
    voxel = np.floor(places + np.asarray(heads.SHAPE) / 2).astype(int)
    voxel = np.clip(voxel, 0, np.asarray(heads.SHAPE) - 1)
    labels = heads.unpack(head.codes[tuple(np.moveaxis(voxel, -1, 0))])[0].astype(np.int32)
    out = metastases.plant(labels, places, draw, spacing=1.0)
    return labels, np.asarray(out.weights), np.asarray(out.targets), np.asarray(out.weight)


def test_the_same_seed_draws_the_same_scene(head):
    one, two = (metastases_draw.draw(np.random.default_rng((1, 2)), head) for _ in range(2))
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name])
    other = metastases_draw.draw(np.random.default_rng((1, 3)), head)
    signature = {name: (value.shape, value.dtype) for name, value in one.items()}
    assert signature == {name: (value.shape, value.dtype) for name, value in other.items()}


def test_most_lesions_are_small_and_some_scenes_have_none(head):
    drawn = [metastases_draw.draw_lesions(np.random.default_rng((2, i)), head) for i in range(150)]
    radii = np.asarray([one.radius for scene in drawn for one in scene])
    assert 0.07 < np.mean([not scene for scene in drawn]) < 0.25
    assert (2 * radii < 8).mean() > 0.6
    assert radii.min() >= 0.75
    assert radii.max() <= metastases_draw.LARGE[1]
    largest = np.asarray([max(one.radius for one in scene) for scene in drawn if scene])
    assert 0.08 < (largest > 9).mean() < 0.35
    assert max(len(scene) for scene in drawn) <= metastases_draw.MOST


def test_lesions_keep_their_distance(head):
    for index in range(20):
        scene = metastases_draw.draw_lesions(np.random.default_rng((6, index)), head)
        for one in scene:
            for other in scene:
                if one is not other:
                    apart = np.linalg.norm(one.centre - other.centre)
                    assert apart > one.radius + other.radius + metastases_draw.GAP


def test_vessels_fill_a_few_millilitres_and_keep_to_the_head(head):
    drawn = vessels.draw(np.random.default_rng(0), head, np.asarray((0.0, 60.0, 0.0)))
    volume = drawn['vessels']
    assert volume.dtype == np.uint8
    assert 300 < volume.sum() / 255 < 12000
    grid = np.argwhere(volume > 128) + drawn['vessel_corner'] + 0.5
    assert (np.linalg.norm(grid, axis=1) < 75).mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize('radius', [3.0, 4.5])
def test_a_small_ball_has_the_volume_of_a_ball(head, radius):
    _, weights, targets, _ = planted(head, lesion(radius))
    volume = 4 / 3 * np.pi * radius**3
    assert targets.sum() == pytest.approx(volume, rel=0.08)
    assert weights[..., 2].sum() == pytest.approx(volume, rel=0.08)


@pytest.mark.slow
def test_a_tiny_lesion_fades_instead_of_growing(head):
    _, weights, _, _ = planted(head, lesion(1.0))
    assert weights[..., 2].sum() == pytest.approx(4 / 3 * np.pi, rel=0.15)
    _, weights, _, _ = planted(head, lesion(0.75))
    assert weights[..., 2].max() < 0.95


@pytest.mark.slow
def test_a_big_ball_has_the_volume_of_a_ball(head):
    _, _, targets, weight = planted(head, lesion(9.0))
    assert targets.sum() == pytest.approx(4 / 3 * np.pi * 9**3, rel=0.08)
    assert weight[targets[..., 0] > 0].max() < 0.5


@pytest.mark.slow
def test_small_lesions_count_more_and_the_tiniest_not_at_all(head):
    far = (8.0, 9.0, -8.0)
    _, _, targets, weight = planted(head, lesion(4.5), lesion(1.5, centre=far))
    counted = np.unique(weight[targets[..., 0] > 0].round(3))
    assert len(counted) == 2
    assert counted[1] > 3 * counted[0]
    _, weights, _, weight = planted(head, lesion(0.75, centre=(1.0, 1.0, 1.0)))
    assert (weight[weights[..., 2] > 0.5] == 0).all()
    assert (weight == 0).sum() < 60


@pytest.mark.slow
def test_a_ring_is_bright_around_and_dark_inside_and_whole_in_the_target(head):
    _, weights, targets, _ = planted(head, lesion(5.0, hollow=3.0))
    centre = tuple(np.argwhere(targets[..., 0] > 0).mean(0).round().astype(int))
    assert weights[centre][3] > 0.9
    assert weights[..., 2].max() > 0.7
    assert targets[centre][0] == 1


@pytest.mark.slow
def test_oedema_is_painted_but_never_asked(head):
    # The largest lesion sets the scene's reach; each has its own.
    swollen = lesion(6.0, oedema=8.0)
    _, weights, targets, _ = planted(head, swollen, lesion(2.0, centre=(10.0, 12.0, -10.0)))
    oedema = weights[..., 0] > 0.5
    assert oedema.sum() > 500
    assert not targets[..., 0][oedema].any()
    place = np.argwhere(oedema) - (np.asarray(SHAPE) - 1) / 2
    assert np.linalg.norm(place - (10.0, 12.0, -10.0), axis=1).min() > 1.5


@pytest.mark.slow
def test_a_scene_without_lesions_asks_for_nothing(head):
    _, weights, targets, weight = planted(head, vessel=True, middle=(0.0, 50.0, 0.0))
    assert not targets.any()
    assert weights[..., :6].max() < 1e-6
    assert weights[..., 6].max() > 0.5
    assert (weight == 1).all()


@pytest.mark.slow
def test_nothing_is_planted_outside_the_skull_and_shares_stay_below_one(head):
    lesions = [lesion(5.0, centre=(0.0, 63.0, 0.0)), lesion(8.0, centre=(12.0, 58.0, 12.0))]
    labels, weights, targets, _ = planted(
        head, *lesions[::-1], vessel=True, middle=(0.0, 55.0, 0.0)
    )
    outside = np.isin(labels, (tissues.INDEX['bone'], 0))
    assert outside.sum() > 1000
    assert targets.any()
    assert not targets[outside].any()
    assert weights[outside].max() < 1e-6
    assert weights.min() >= 0
    assert weights.sum(-1).max() <= 1 + 1e-5


@pytest.mark.slow
def test_a_lesion_beyond_the_edge_of_the_sample_is_cut_off(head):
    _, _, targets, _ = planted(head, lesion(4.0, centre=(16.0, 0.0, 0.0)))
    assert 60 < targets.sum() < 200
    assert targets[-1].any()
    assert not targets[: SHAPE[0] // 2].any()
