# SPDX-License-Identifier: Apache-2.0
"""Optimisers of the published recipes take the steps of the originals."""

import numpy as np
import pytest
from published_files import CASES, needs_cases

keras = pytest.importorskip('keras')

from bids_seg.train import optimisers  # noqa: E402
from bids_seg.train.schedule import Fall  # noqa: E402

pytestmark = pytest.mark.slow


def walk(rule, start, grads, rate):
    """Return where weights go, gradient by gradient."""
    zero = np.zeros_like(start)
    state = optimisers.State([start], [start], [zero], [zero] if rule.squares else [], [])
    places = []
    for count, grad in enumerate(grads):
        state = rule.update(state, [grad], [True], np.float32(rate), np.float32(count))
        places.append(np.asarray(state.weights[0]))
        np.testing.assert_array_equal(np.asarray(state.average[0]), places[-1])
    return np.array(places)


@pytest.fixture
def grads():
    return np.random.default_rng(5).normal(0, 0.01, (6, 4)).astype(np.float32)


@needs_cases
def test_nesterov_steps_are_those_of_brain_mets_seg():
    case = np.load(CASES / 'brainmets' / 'sgdw.npz')
    rule = optimisers.Nesterov(momentum=0.99, decay=3e-5, clip=12.0)
    places = walk(rule, case['trajectory'][0], case['grads'], 0.01)
    np.testing.assert_allclose(places, case['trajectory'][1:], rtol=3e-7)


def test_adam_of_keras_is_that_of_keras(grads):
    start = np.linspace(-1, 1, 4).astype(np.float32)
    found = walk(optimisers.Adam(epsilon=1e-7, corrected=False), start, grads, 1e-3)
    variable = keras.Variable(start)
    original = keras.optimizers.Adam(1e-3, epsilon=1e-7)
    for grad, place in zip(grads, found, strict=True):
        original.apply([keras.ops.convert_to_tensor(grad)], [variable])
        np.testing.assert_allclose(place, np.asarray(variable), rtol=1e-6)


def test_adam_of_pytorch_adds_decay_to_the_gradient_and_corrects_first(grads):
    start = np.linspace(-1, 1, 4).astype(np.float32)
    rule = optimisers.Adam(epsilon=1e-3, corrected=True, decay=0.1)
    found = walk(rule, start, grads, 1e-2)
    weight, first, second = start.astype(np.float64), 0.0, 0.0
    for count, (grad, place) in enumerate(zip(grads, found, strict=True), start=1):
        pull = grad + 0.1 * weight
        first = 0.9 * first + 0.1 * pull
        second = 0.999 * second + 0.001 * pull**2
        root = np.sqrt(second / (1 - 0.999**count)) + 1e-3
        weight = weight - 1e-2 * first / (1 - 0.9**count) / root
        np.testing.assert_allclose(place, weight, rtol=2e-5, atol=1e-6)


def test_rates_fall_as_they_were_published():
    power = Fall(samples=250_000, peak=0.01, shape='power')
    assert power.rate(125_000) == pytest.approx(0.01 * 0.5**0.9)
    assert power.rate(250_000) == 0
    cosine = Fall(samples=300 * 7, peak=1e-4, shape='cosine', epoch=7)
    assert cosine.rate(6) == 1e-4
    assert cosine.rate(150 * 7) == pytest.approx(5e-5)
    assert Fall(samples=9, peak=1e-5, shape='constant').rate(8) == 1e-5
