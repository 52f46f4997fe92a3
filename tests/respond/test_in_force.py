# SPDX-License-Identifier: Apache-2.0
"""What tables and pages are told of the criteria."""

import dataclasses

import pytest

from bids_seg.records import CriterionInForce, from_json, to_json
from bids_seg.respond import Rules, find, names, parse


@pytest.mark.parametrize('name', names())
def test_a_criterion_in_force_says_its_limits_and_its_paper(name):
    told = find(name).in_force(Rules())
    assert told.name == name
    assert told.source.startswith('10.')
    assert 0 < told.partial_pct < 100
    assert told.progression_pct > 0
    assert from_json(CriterionInForce, to_json(told)) == told


def test_limits_follow_the_options():
    loose = parse(['mr_volume_decrease=35'])
    assert find('rano2_nonce_volume').in_force(loose).minor_pct == 35
    assert find('rano2_nonce_volume').in_force(Rules()).minor_pct == 40


def test_all_options_are_told_as_text():
    told = parse(['rt_window_days=83']).in_force()
    assert set(told) == {field.name for field in dataclasses.fields(Rules)}
    assert told['rt_window_days'] == '83'
    assert told['nl_min_ld'] == '5.0'
