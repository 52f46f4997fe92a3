# SPDX-License-Identifier: Apache-2.0
"""Losses of the published networks for volumes: their values and gradients."""

import numpy as np
import pytest
from published_files import CASES, needs_cases

keras = pytest.importorskip('keras')
tensorflow = pytest.importorskip('tensorflow')

from bids_seg.train import volume_losses  # noqa: E402

pytestmark = pytest.mark.slow


def graded(loss, said):
    """Return a loss and its gradient."""
    given = tensorflow.constant(said)
    with tensorflow.GradientTape() as tape:
        tape.watch(given)
        value = loss(given)
    return float(value), np.asarray(tape.gradient(value, given))


@needs_cases
def test_the_jaccard_loss_is_that_of_nobrainer():
    case = np.load(CASES / 'nobrainer' / 'losses.npz')
    value, slope = graded(
        lambda said: volume_losses.nobrainer(said, case['y_true']), case['y_pred']
    )
    assert value == pytest.approx(float(case['jaccard_mean']), rel=1e-6)
    np.testing.assert_allclose(slope, case['jaccard_grad'], rtol=2e-6, atol=1e-9)


@needs_cases
def test_the_dice_loss_is_that_of_the_bundle():
    case = np.load(CASES / 'segresnet' / 'loss.npz')
    logits, target, grad = (np.moveaxis(case[name], 1, -1) for name in ('logits', 'target', 'grad'))
    value, slope = graded(lambda said: volume_losses.segresnet(said, target), logits)
    assert value == pytest.approx(float(case['loss']), rel=1e-6)
    np.testing.assert_allclose(slope, grad, rtol=5e-6, atol=1e-8)


@needs_cases
@pytest.mark.parametrize(('pooled', 'key'), [(True, 'rb1'), (False, 'rb0')])
def test_overlap_and_entropy_at_three_sizes_are_those_of_brain_mets_seg(pooled, key):
    case = np.load(CASES / 'brainmets' / 'losses.npz')
    label, weight, logits = case['label'], case['weight_map'], case['logits0']

    def loss(said, weights=weight):
        return volume_losses.brainmets(said, label, weights, pooled=pooled)

    value, slope = graded(loss, logits)
    assert value == pytest.approx(float(case[f'loss_{key}']), rel=1e-6)
    np.testing.assert_allclose(slope, case[f'grad_{key}'], rtol=1e-5, atol=1e-8)
    plain = float(loss(logits, np.ones_like(weight)))
    assert plain == pytest.approx(float(case[f'plain_{key}']), rel=1e-6)
    outputs = [case[f'logits{number}'] for number in range(3)]
    deep = volume_losses.brainmets_deep(outputs, label, weight, pooled=pooled)
    assert float(deep) == pytest.approx(float(case[f'deep_{key}']), rel=1e-6)


def test_half_of_a_block_costs_what_the_formulas_say():
    target = np.zeros((1, 4, 4, 4, 1), np.float32)
    target[:, :2] = 1
    said = np.full_like(target, 0.5)
    # Shared 16, sums 32 and 32, squares 16 and 32.
    assert float(volume_losses.nobrainer(said, target)) == pytest.approx(1 - 16 / 48)
    zero = np.zeros_like(target)
    assert float(volume_losses.segresnet(zero, target)) == pytest.approx(1 - 32 / 48)
    expected = np.log(2) - 32 / 64
    assert float(volume_losses.brainmets(zero, target, zero + 1)) == pytest.approx(expected)
    assert sum(volume_losses.DEEP) == pytest.approx(14 / 15)
