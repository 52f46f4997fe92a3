# SPDX-License-Identifier: Apache-2.0
"""A run learns, stops and goes on bit for bit, survives bad numbers and leaves usable files."""

import json

import numpy as np
import pytest

keras = pytest.importorskip('keras')

from bids_seg.errors import InputError, UnavailableError  # noqa: E402
from bids_seg.segment.networks import unet  # noqa: E402
from bids_seg.train import checkpoint, losses, trainer  # noqa: E402
from bids_seg.train.schedule import Schedule  # noqa: E402
from bids_seg.train.stream import Sample  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning'),
]


def source(index):
    rng = np.random.default_rng((3, index))
    centre = rng.uniform(4, 12, 3)
    grid = np.moveaxis(np.indices((16, 20, 12)), 0, -1)
    target = (np.linalg.norm(grid - centre, axis=-1) < 5)[..., None].astype(np.float32)
    image = (target + rng.normal(0, 0.2, target.shape)).astype(np.float32)
    return Sample(image, target, np.ones_like(target))


def run(folder, *, samples=20, widths=(4, 8)):
    keras.utils.set_random_seed(1)
    network = unet.build(channels=1, regions=1, widths=widths)
    schedule = Schedule(samples=samples, peak=3e-3)
    return trainer.Run(
        network, losses.brain, schedule=schedule, regions=['brain'], folder=folder, name='brain'
    )


def lines(folder):
    return [json.loads(line) for line in (folder / 'log.jsonl').read_text().splitlines()]


def train(made, **options):
    return made.train(
        source, validation=[source(1000)], options=trainer.Options(log_every=5, **options)
    )


def equal(one, other):
    return all(
        np.array_equal(a, b)
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def test_a_run_cut_in_two_equals_one_that_was_not(tmp_path):
    whole = run(tmp_path / 'whole')
    train(whole)
    first = run(tmp_path / 'cut')
    for index in range(10):
        first._advance(source(index))
    first.save()
    second = run(tmp_path / 'cut')
    assert second.resume()
    assert second.progress.step == 10
    train(second)
    assert equal(whole.state, second.state)
    assert not equal(whole.state, first.state)


def test_the_loss_falls_and_the_score_rises(tmp_path):
    made = run(tmp_path, samples=120)
    before = made.validate([source(1000)])['brain median']
    train(made)
    steps = [line['loss'] for line in lines(tmp_path) if 'loss' in line]
    assert np.mean(steps[-3:]) < 0.6 * np.mean(steps[:3])
    assert lines(tmp_path)[-1]['validation']['brain median'] > max(before, 0.5)


def test_time_over_leaves_a_run_that_goes_on(tmp_path):
    progress = train(run(tmp_path), minutes=1e-9)
    assert progress.step == 1
    again = run(tmp_path)
    assert again.resume()
    assert train(again).step == 20
    assert again.progress.seconds > progress.seconds


def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(tmp_path):
    made = run(tmp_path)
    made._advance(source(0))
    before = made.state
    bad = source(1)
    made._advance(bad._replace(image=np.full_like(bad.image, np.nan)))
    assert equal(before, made.state)
    assert (made.progress.step, made.progress.skipped) == (2, 1)
    made._advance(source(2))
    assert not equal(before, made.state)


def test_exported_weights_draw_what_the_run_draws(tmp_path):
    made = run(tmp_path)
    train(made)
    image = source(5).image
    network = unet.build(channels=1, regions=1, widths=(4, 8))
    network.load_weights(made.weights_file)
    logits = np.asarray(network(image[None]))[0]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), made.predict(image), atol=2e-3)
    assert network.variables[0].dtype == 'float32'


def test_training_goes_on_from_exported_weights(tmp_path):
    made = run(tmp_path)
    train(made)
    network = unet.build(channels=1, regions=1, widths=(4, 8))
    checkpoint.initial(made.weights_file, model=network)
    for one, other in zip(network.variables, made.state.average, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=1e-3)


def test_weights_of_another_network_are_refused(tmp_path):
    made = run(tmp_path)
    train(made)
    with pytest.raises(UnavailableError, match='cannot be loaded'):
        checkpoint.initial(made.weights_file, model=unet.build(channels=2, regions=1))
    with pytest.raises(UnavailableError, match='cannot be loaded'):
        checkpoint.initial(tmp_path / 'none.weights.h5', model=made.model)
    with pytest.raises(InputError, match='belong'):
        run(tmp_path, widths=(4, 12)).resume()


def test_a_broken_write_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    made = run(tmp_path)
    made._advance(source(0))
    made.save()

    def full(*_args, **_kwargs):
        raise OSError('no space left')

    monkeypatch.setattr(checkpoint.np, 'savez', full)
    made._advance(source(1))
    with pytest.raises(OSError, match='no space'):
        made.save()
    again = run(tmp_path)
    assert again.resume()
    assert again.progress.step == 1


def test_curves_are_drawn_and_forgive_a_torn_last_line(tmp_path):
    made = run(tmp_path)
    train(made)
    assert (tmp_path / 'curves.svg').stat().st_size > 1000
    with (tmp_path / 'log.jsonl').open('a') as file:
        file.write('{"step": 3')
    assert len(trainer.curves.read(tmp_path / 'log.jsonl')) == 5
    short = train(run(tmp_path / 'short', samples=3))
    assert short.step == 3
    assert lines(tmp_path / 'short')[0]['step'] == 3
