# SPDX-License-Identifier: Apache-2.0
"""Files of a labelled dataset become what each published network learns from."""

import json

import nibabel as nb
import numpy as np
import pytest

keras = pytest.importorskip('keras')

from bids_seg.errors import InputError, UnavailableError  # noqa: E402
from bids_seg.segment import models, network  # noqa: E402
from bids_seg.train import augment, checkpoint, cli, labelled, published, stacks, visits  # noqa: E402
from bids_seg.train.published import brainmets as metastases  # noqa: E402
from bids_seg.train.published import budatorch  # noqa: E402
from bids_seg.train.published import nobrainer as heads  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning'),
]

SHAPE = (40, 48, 12)
# Stored from left and from behind, slices of 4 mm.
AFFINE = np.array([[-1.5, 0, 0, 30], [0, -1.5, 0, 36], [0, 0, 4.0, -22], [0, 0, 0, 1]])
SCANS = ('ce-gd_T1w', 'T1w', 'T2w', 'FLAIR')


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    nb.Nifti1Image(array, AFFINE).to_filename(path)


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """Make four visits of a stripped ball with a tumour at its right front."""
    root = tmp_path_factory.mktemp('labelled')
    places = np.moveaxis(np.indices(SHAPE), 0, -1) @ AFFINE[:3, :3].T + AFFINE[:3, 3]
    brain = np.linalg.norm(places, axis=-1) < 21
    tumour = np.linalg.norm(places - (8, 7, 0), axis=-1) < 8
    core = np.linalg.norm(places - (8, 7, 0), axis=-1) < 5
    for person in ('1', '2', '3', '4'):
        rng = np.random.default_rng(int(person))
        anat, truth = (root / part / f'sub-{person}/anat' for part in ('', 'derivatives/hand'))
        for name in SCANS:
            grey = brain * (300 + 200 * tumour + rng.normal(0, 20, SHAPE))
            save(anat / f'sub-{person}_{name}.nii.gz', grey.astype(np.float32))
        labels = (2 * tumour + core).astype(np.uint8)
        save(truth / f'sub-{person}_desc-hand_dseg.nii.gz', labels)
        save(truth / f'sub-{person}_label-brain_mask.nii.gz', brain.astype(np.uint8))
    return root


@pytest.mark.parametrize('name', published.names())
def test_the_truth_of_a_visit_lies_where_the_images_show_it(dataset, tmp_path, name):
    preset, model = published.find(name), models.find(name)
    cases = labelled.find(dataset, model)[:1]
    shelf = visits.Shelf(tmp_path, cases, model=model, prepare=preset.prepare)
    visit = shelf[0]
    assert len(shelf) == 1
    assert visit.target.shape[-1] == len(preset.regions)
    assert visit.target.shape[:3] == visit.image.shape[:3]
    given = preset.given(np.asarray(visit.image))
    assert given.dtype == np.float32
    inside = visit.target[..., 0] > 0
    seen = given[..., 0]
    tissue = ~inside if model.task == 'brain' else (seen != 0) & ~inside
    assert inside.sum() > 100
    assert np.median(seen[inside]) > np.median(seen[tissue]) + 0.5
    again = visits.Shelf(tmp_path, cases, model=model, prepare=None)
    np.testing.assert_array_equal(again[0].target, visit.target)


def test_a_visit_that_cannot_be_prepared_is_left_out(dataset, tmp_path):
    model = models.find('nobrainer')
    cases = labelled.find(dataset, model)[:2]
    asked = []

    def prepare(case, model):
        asked.append(case.name)
        if len(asked) == 1:
            raise InputError('no good', where=case.name, do='leave it')
        return visits.Visit(np.zeros((2, 2, 2, 1)), np.zeros((2, 2, 2, 1), np.uint8), visits.ALIKE)

    assert len(visits.Shelf(tmp_path, cases, model=model, prepare=prepare)) == 1
    asked.clear()
    with pytest.raises(InputError, match='no visit can be prepared'):
        visits.Shelf(tmp_path / 'b', cases[:1], model=model, prepare=prepare)


def test_a_turned_volume_keeps_its_mask_on_what_is_bright():
    middle = np.indices((24, 24, 24)) - np.array([14, 11, 9])[:, None, None, None]
    ball = np.linalg.norm(middle, axis=0) < 5
    image = 100 * ball.astype(np.float32)
    moved = 0
    for seed in range(12):
        turned, mask = heads.turned(image, ball.astype(np.uint8), np.random.default_rng(seed))
        moved += not np.array_equal(mask > 0, ball)
        assert turned[mask > 0].mean() > 75
        assert turned[mask == 0].mean() < 4
    assert 2 <= moved <= 10
    numbers = np.arange(64).reshape(4, 4, 4)
    np.testing.assert_array_equal(heads.blocks(numbers, 2)[1], numbers[:2, :2, 2:])


def test_patches_of_metastases_hold_a_lesion_or_any_place_and_truth_moves_along():
    ball = np.zeros((40, 44, 48, 1), np.uint8)
    ball[30:36, 5:11, 20:26] = 1
    weight = metastases.near_borders(ball[..., 0])[..., None]
    assert weight[0, 40, 0, 0] == pytest.approx(1, abs=1e-3)
    assert weight[30, 8, 22, 0] > 4
    visit = visits.Visit(10 * ball.astype(np.float32), ball, weight)
    box = (slice(30, 36), slice(5, 11), slice(20, 26))
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        image, target, _ = metastases.patch(visit, [box], rng, 16)
        assert image.shape == target.shape == (16, 16, 16)
        held += target.sum() > 60
        if target.sum() > 60:
            assert image[target > 0].mean() > 7
        changed, _, _ = metastases.recoloured([image, target, target], rng)
        assert np.isfinite(changed).all()
    assert 15 <= held <= 45


def test_changes_of_intensity_keep_what_they_promise():
    image = np.random.default_rng(2).normal(3, 2, (9, 9, 9)).astype(np.float32)
    for inverted in (False, True):
        bent = augment.gamma(image, 1.4, inverted=inverted)
        assert bent.mean() == pytest.approx(image.mean(), abs=1e-3)
        assert bent.std() == pytest.approx(image.std(), rel=1e-3)
        assert not np.allclose(bent, image, atol=0.05)
    more = augment.contrast(image, 1.2)
    assert (more.min(), more.max()) == (image.min(), image.max())
    assert more.std() > image.std()
    np.testing.assert_array_equal(augment.coarse(image, 1.0, back=0), image)
    assert len(np.unique(augment.coarse(image, 0.5, back=0))) <= 64
    np.testing.assert_allclose(augment.gamma(image * 0, 2), image * 0)


def test_slices_are_drawn_as_published():
    def visit(marked):
        target = np.zeros((4, 6, 6, 1), np.uint8)
        target[list(marked), :3] = 1
        return visits.Visit(np.zeros((4, 6, 6, 3), np.uint8), target, visits.ALIKE)

    stack = [visit([1]), visit([]), visit([0, 3])]
    assert len(stacks.every(stack)) == 12
    assert len(stacks.more_of_marked(stack)) == 12 + 2 * 3
    assert stacks.epoch(stacks.every(stack), batch=5) == 3
    likely = budatorch.chances(stack[2].target)
    np.testing.assert_allclose(likely, np.array([0.525, 0.025, 0.025, 0.525]) / 1.1)
    np.testing.assert_allclose(budatorch.chances(stack[1].target), 0.25)
    rng = np.random.default_rng(0)
    square = np.zeros((21, 21, 1), np.uint8)
    square[8:13, 8:13] = 1
    image, target = budatorch.changed(square * 5.0, square, rng)
    assert 18 <= target.sum() <= 33
    assert image[target > 0].mean() > 4


def test_the_app_takes_weights_that_were_trained_here(tmp_path):
    model = models.find('budakeras-brain')
    made = model.system.build()
    path = tmp_path / 'mine.weights.h5'
    values = [keras.ops.convert_to_tensor(weight) + 0.001 for weight in made.trainable_variables]
    checkpoint.export(path, model=made, weights=values, narrow=False)
    image = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype(np.float32)
    call, *_ = network.load(model, [path])
    np.testing.assert_allclose(call(image), np.asarray(made(image)), atol=1e-5)
    with pytest.raises(UnavailableError, match='cannot be loaded'):
        network.load(models.find('nobrainer'), [path])


def test_the_command_prepares_trains_and_leaves_weights(dataset, tmp_path, monkeypatch):
    from dataclasses import replace

    from bids_seg.segment.networks import buda

    preset = published.find('budatorch')
    narrow = replace(
        preset,
        build=lambda: buda.build(norm='batch', width=2),
        epoch=lambda found: 2,
        source=lambda found, *, seed: preset.source(found, seed=seed, batch=2),
    )
    monkeypatch.setattr(published, 'find', lambda name: narrow)
    monkeypatch.setattr(cli.signal, 'signal', lambda *_: None)
    out = tmp_path / 'out'
    assert cli.main(['budatorch', str(dataset), str(out), '--samples', '2']) == 0
    assert (out / 'budatorch.weights.h5').is_file()
    lines = [json.loads(line) for line in (out / 'log.jsonl').read_text().splitlines()]
    assert any('WT mean' in line.get('validation', {}) for line in lines)
    assert cli.main(['budatorch', str(tmp_path), str(out)]) == InputError.code
