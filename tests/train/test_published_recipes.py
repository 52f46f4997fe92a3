# SPDX-License-Identifier: Apache-2.0
"""Every published recipe learns on a small task, goes on bit for bit, and leaves usable weights."""

import argparse
from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip('keras')

from bids_seg.errors import UnavailableError  # noqa: E402
from bids_seg.segment.networks import brainmets, buda, nobrainer, segresnet  # noqa: E402
from bids_seg.train import checkpoint, published, retrain, start, trainer  # noqa: E402
from bids_seg.train.visits import ALIKE, Visit  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning'),
]

FILTERS = (4, 4, 8, 8, 8, 8)
NETWORKS = {
    'nobrainer': lambda: nobrainer.build(2),
    'segresnet': lambda: start.as_pytorch(segresnet.build(8)),
    'budakeras-brain': lambda: buda.build(norm='none', width=4),
    'budakeras-flair': lambda: buda.build(norm='none', width=4),
    'budatorch': lambda: start.as_pytorch(buda.build(norm='batch', width=4)),
    'brainmets': lambda: published.find('brainmets').build(FILTERS),
}
RATES = {'budakeras-brain': 2e-3, 'budakeras-flair': 2e-3, 'budatorch': 2e-3, 'segresnet': 3e-3,
         'nobrainer': 3e-3}  # fmt: skip
SMALL = {
    'nobrainer': {'block': 16},
    'segresnet': {'crop': (24, 24, 24)},
    'brainmets': {'side': 64},
}


def visit(name, seed):
    """Return a bright ball on noise, as volumes or as slices."""
    rng = np.random.default_rng(seed)
    side = 64 if name == 'brainmets' else 32
    shape = (side,) * 3 if name in SMALL else (6, side, side)
    middle = (np.array(shape) - 1) / 2 + rng.uniform(-2, 2, 3)
    far = np.moveaxis(np.indices(shape), 0, -1) - middle
    ball = (np.linalg.norm(far * np.array((3 if len(set(shape)) > 1 else 1, 1, 1)), axis=-1)
            < side / 3.2)[..., None]  # fmt: skip
    channels = {'nobrainer': 1, 'brainmets': 1, 'segresnet': 4}.get(name, 3)
    image = ball * 1.5 + rng.normal(0, 0.3, (*shape, channels))
    if name.startswith('budakeras'):
        image = np.clip(40 * image + 40, 0, 255).astype(np.uint8)
    target = np.repeat(ball, 3 if name == 'segresnet' else 1, axis=-1).astype(np.uint8)
    return Visit(image.astype(np.uint8 if image.dtype == np.uint8 else np.float32), target, ALIKE)


def words(**told):
    given = {'init': None, 'samples': None, 'seed': 3, 'minutes': None, 'rate': None}
    return argparse.Namespace(**{**given, **told})


def small(name):
    """Return the recipe with a narrow network and a rate for few steps."""
    preset = published.find(name)
    return replace(
        preset,
        build=NETWORKS.get(name, preset.build),
        rate=RATES.get(name, preset.rate),
        epoch=lambda visits: 1000,
    )


def stream(preset, visits):
    told = SMALL.get(preset.name, {'batch': 4})
    if preset.name == 'brainmets':
        visits = [one._replace(weight=np.ones(one.target.shape, np.float32)) for one in visits]
        told = {**told, 'batch': 1}
    return preset.source(visits, seed=3, **told)


@pytest.mark.parametrize('name', sorted(NETWORKS))
def test_the_loss_falls(tmp_path, name):
    keras.utils.set_random_seed(4)
    preset = small(name)
    visits = [visit(name, seed) for seed in range(3)]
    work, _ = retrain.prepared(preset, visits, words(out_dir=tmp_path, samples=1000))
    source = stream(preset, visits)
    steps = 8 if name == 'brainmets' else 40
    for step in range(steps):
        work._advance(source(step))
    losses = [loss for loss, _ in work._recent]
    fallen = np.mean(losses[:3]) - np.mean(losses[-5:])
    assert fallen > 0.05, losses
    assert work.progress.skipped == 0


def test_skull_stripping_learns_with_its_statistics_and_goes_on_bit_for_bit(tmp_path):
    preset = replace(published.find('effunet'), epoch=lambda visits: 1000)
    visits = [visit('effunet', seed) for seed in range(2)]
    visits = [one._replace(image=one.image[..., 0] * 100) for one in visits]
    source = preset.source(visits, seed=1, batch=4)
    keras.utils.set_random_seed(4)
    work, _ = retrain.prepared(preset, visits, words(out_dir=tmp_path))
    before = [np.array(part) for part in work.state.others]
    for step in range(8):
        if step == 6:
            work.save()
        work._advance(source(step))
    losses = [loss for loss, _ in work._recent]
    assert np.mean(losses[-2:]) < losses[0] - 0.05
    changed = [not np.array_equal(a, b) for a, b in zip(before, work.state.others, strict=True)]
    assert np.mean(changed) > 0.9
    end = work.state
    assert work.resume()
    for step in (6, 7):
        work._advance(source(step))
    for left, right in zip(end, work.state, strict=True):
        for one, other in zip(left, right, strict=True):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_only_better_scores_leave_weights_and_too_many_worse_ones_end_the_run(
    tmp_path, monkeypatch
):
    preset = replace(small('budatorch'), epoch=lambda visits: 2)
    visits = [visit('budatorch', 1)]
    work, options = retrain.prepared(preset, visits, words(out_dir=tmp_path, samples=40))
    marks = iter([0.5, 0.7, 0.6, 0.65, 0.9])
    monkeypatch.setattr(trainer, 'score', lambda *_: [next(marks)])
    exported = []
    monkeypatch.setattr(checkpoint, 'export', lambda *_, **__: exported.append(work.progress.step))
    options = replace(options, patience=2)
    source = stream(preset, visits)
    done = work.train(source, validation=[source(0)], options=options)
    assert exported == [2, 4]
    assert done.step == 8


def test_exported_weights_of_a_published_network_load_without_its_training_outputs(tmp_path):
    keras.utils.set_random_seed(2)
    made = NETWORKS['brainmets']()
    for weight in made.trainable_variables:
        weight.assign_add(0.01 * keras.ops.ones_like(weight))
    path = tmp_path / 'brainmets.weights.h5'
    values = [keras.ops.convert_to_tensor(weight) for weight in made.trainable_variables]
    checkpoint.export(path, model=made, weights=values, narrow=False)
    plain = brainmets.build(FILTERS)
    checkpoint.initial(path, model=plain)
    image = np.random.default_rng(0).normal(size=(1, 64, 64, 64, 1)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(plain(image)), np.asarray(made(image)[0]), atol=1e-4)
    again = NETWORKS['brainmets']()
    retrain.initial(path, preset=published.find('brainmets'), network=again)
    np.testing.assert_array_equal(
        np.asarray(again.trainable_variables[0]), np.asarray(made.trainable_variables[0])
    )
    with pytest.raises(UnavailableError, match='cannot be loaded'):
        checkpoint.initial(path, model=NETWORKS['segresnet']())
