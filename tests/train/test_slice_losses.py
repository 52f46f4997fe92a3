# SPDX-License-Identifier: Apache-2.0
"""Losses of the published networks for slices: their values, their gradients, their digits."""

import numpy as np
import pytest
from published_files import CASES, needs_cases

keras = pytest.importorskip('keras')
tensorflow = pytest.importorskip('tensorflow')

from bids_seg.train import slice_losses  # noqa: E402

pytestmark = pytest.mark.slow


def graded(loss, probability, target):
    """Return a loss and its gradient by the probabilities."""
    given = tensorflow.constant(probability)
    with tensorflow.GradientTape() as tape:
        tape.watch(given)
        value = loss(given, target)
    return float(value), np.asarray(tape.gradient(value, given))


@needs_cases
@pytest.mark.parametrize(
    ('loss', 'key'),
    [(slice_losses.effunet, 'dice_loss'), (slice_losses.budakeras, 'loss'),
     (slice_losses.budatorch, 'loss')],
    ids=lambda part: getattr(part, '__name__', ''),
)  # fmt: skip
def test_losses_and_gradients_are_those_of_the_originals(loss, key):
    case = np.load(CASES / loss.__name__ / 'losses.npz')
    truth, said, slope = (case[name] for name in ('y_true', 'y_pred', 'grad'))
    if loss is slice_losses.budatorch:
        truth, said, slope = (np.moveaxis(part, 1, -1) for part in (truth, said, slope))
    value, gradient = graded(loss, said, truth)
    assert value == pytest.approx(float(case[key]), rel=1e-6)
    np.testing.assert_allclose(gradient, slope, rtol=2e-6, atol=1e-9)


@needs_cases
def test_the_score_of_skull_stripping_is_that_of_the_original():
    case = np.load(CASES / 'effunet' / 'losses.npz')
    score = float(slice_losses.effunet_score(case['y_pred'], case['y_true']))
    assert score == pytest.approx(float(case['fscore']), rel=1e-6)


@pytest.mark.parametrize(
    ('loss', 'best'),
    [(slice_losses.effunet, 0.0), (slice_losses.budakeras, -1.0), (slice_losses.budatorch, 0.0)],
)
def test_nothing_found_where_nothing_is_costs_least(loss, best):
    nothing = np.zeros((2, 6, 7, 1), np.float32)
    assert float(loss(nothing, nothing)) == pytest.approx(best)
    target = nothing.copy()
    target[0, 2:5, 1:4] = 1
    costs = [float(loss(share * target + (1 - share) / 2, target)) for share in (0, 0.5, 1)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(best, abs=1e-6)


def test_the_whole_batch_counts_as_one_image():
    target = np.zeros((2, 4, 4, 1), np.float32)
    target[0, :2] = 1
    said = np.full((2, 4, 4, 1), 0.25, np.float32)
    # 8 true pixels, a sum of 8, a quarter of the true ones shared: (2 * 2 + 1) / (8 + 8 + 1).
    assert float(slice_losses.budatorch(said, target)) == pytest.approx(1 - 5 / 17)


def test_a_batch_of_two_million_pixels_keeps_its_digits():
    rng = np.random.default_rng(0)
    said = rng.random((32, 256, 256, 1)).astype(np.float32)
    target = (rng.random(said.shape) > 0.7).astype(np.float32)
    double = said.astype(np.float64)
    exact = 2 * (double * target).sum() + 1
    exact /= double.sum() + target.sum(dtype=np.float64) + 1
    assert float(slice_losses.budakeras(said, target)) == pytest.approx(-exact, rel=1e-6)
