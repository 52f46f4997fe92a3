# SPDX-License-Identifier: Apache-2.0
"""Counts and exit codes of a run."""

import pytest

from bids_seg.workflow.outcome import Outcome, Tally


@pytest.mark.parametrize(
    ('outcome', 'code'),
    [
        (Outcome(visits=('ok', 'up to date', 'skipped')), 0),
        (Outcome(visits=('ok', 'failed'), pages_failed=1, locked=('01',)), 1),
        (Outcome(visits=('ok', 'not done')), 1),
        (Outcome(visits=('ok',), pages_failed=1), 3),
        (Outcome(visits=('ok',), pages_failed=1, locked=('01',)), 75),
        (Outcome(locked=('01',)), 75),
    ],
)
def test_the_worst_that_happened_gives_the_code(outcome, code):
    assert outcome.code == code


def test_the_last_word_about_a_visit_counts():
    tally = Tally()
    tally.visit('sub-01', 'not done')
    tally.visit('sub-02', 'not done')
    tally.visit('sub-01', 'ok')
    assert tally.outcome.told == '1 ok, 0 up to date, 0 skipped, 0 failed, 1 not done'
    assert tally.words(['sub-01', 'sub-09']) == ('ok',)
