# SPDX-License-Identifier: Apache-2.0
"""Pooling and bootstrap intervals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_seg.evaluate.scores import DRAWS, Score, estimates


def by_name(found):
    return {each.statistic: each for each in found}


def test_shares_are_pooled_and_averaged_apart():
    found = by_name(estimates([Score(1, 1), Score(1, 9)], ['01', '02']))
    assert 'pooled' in by_name(estimates([Score(1, 1), Score(0, 1)], ['01', '02']))
    assert found['mean'].value == pytest.approx(5 / 9)
    assert found['pooled'].value == pytest.approx(0.2)
    assert found['mean'].n == 2


def test_what_says_nothing_and_infinite_distances_are_left_out_and_counted():
    found = by_name(estimates([Score(3.0), Score(math.inf), Score(math.nan)], ['1', '2', '3']))
    assert (found['mean'].value, found['mean'].n) == (3.0, 1)
    assert 'pooled' not in found


def test_an_empty_pool_has_the_worth_of_an_empty_case():
    nothing = [Score(0, 0, 1.0), Score(0, 0, 1.0)]
    assert by_name(estimates(nothing, ['1', '2']))['pooled'].value == 1.0
    unknown = [Score(0, 0), Score(0, 0)]
    assert math.isnan(by_name(estimates(unknown, ['1', '2']))['pooled'].value)


def test_one_participant_has_no_interval_however_many_visits():
    found = by_name(estimates([Score(0.1), Score(0.9)], ['1', '1']))
    assert math.isnan(found['mean'].low)


def test_all_visits_of_a_participant_are_drawn_together():
    # Two people with two equal visits each: means of draws are 0, 0.5 or 1 only.
    scores = [Score(0.0), Score(0.0), Score(1.0), Score(1.0)]
    found = by_name(estimates(scores, ['a', 'a', 'b', 'b']))['mean']
    assert (found.low, found.value, found.high) == (0.0, 0.5, 1.0)


@settings(max_examples=10, deadline=None)
@given(values=st.lists(st.floats(0, 1), min_size=3, max_size=9))
def test_intervals_agree_with_drawing_one_by_one(values):
    names = [str(index) for index in range(len(values))]
    found = by_name(estimates([Score(value) for value in values], names, seed=4))
    order = np.argsort(names)
    drawn = np.random.default_rng(4).multinomial(
        len(values), np.full(len(values), 1 / len(values)), size=DRAWS
    )
    samples = [np.repeat(np.array(values)[order], times) for times in drawn]
    for name, figure in (('mean', np.mean), ('median', np.median)):
        expected = np.percentile([figure(sample) for sample in samples], (2.5, 97.5))
        assert (found[name].low, found[name].high) == pytest.approx(tuple(expected))
    assert found['median'].value == pytest.approx(np.median(values))


def test_the_same_seed_gives_the_same_interval():
    scores = [Score(value) for value in (0.2, 0.5, 0.9, 0.4)]
    assert estimates(scores, list('abcd'), seed=1) == estimates(scores, list('abcd'), seed=1)
