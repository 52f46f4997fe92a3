# SPDX-License-Identifier: Apache-2.0
"""A stage asks for as much memory as the model that runs in it needs."""

from pathlib import Path

import pytest

from bids_seg.records import Visit
from bids_seg.segment import models
from bids_seg.segment.job import Choice
from bids_seg.workflow import graph
from bids_seg.workflow.state import VisitState


def course(model, folder):
    """Return a course of one visit without images whose gliomas a model draws."""
    state = VisitState(
        visit=Visit(participant='1', session=None, scans=()),
        tasks=('glioma',),
        models_skipped={},
        root=folder,
        settings_sha256='',
        input_sha256='',
        networks={'glioma': Choice(model=model, weights=(Path('a'),), sha256=('ab' * 32,))},
    )
    return graph.Course(participant='1', states=(state,), resumable=False, work_dir=folder)


def test_a_system_of_others_asks_for_more_memory_and_the_user_is_told(tmp_path):
    limits = graph.Limits(processors=2, threads=2, memory_gb=3.0)
    assert graph.short_of_memory([course('glioma', tmp_path)], limits) == ()
    (told,) = graph.short_of_memory([course('segresnet', tmp_path)], limits)
    assert 'about 5.1 GB are needed' in told
    assert models.find('segresnet').memory_gb == pytest.approx(3.5)


@pytest.mark.parametrize(
    ('folds', 'parity', 'dropout', 'looks'), [(1, False, 0, 1), (5, True, 0, 40), (1, False, 4, 5)]
)
def test_more_looks_may_take_more_time(folds, parity, dropout, looks):
    paths = tuple(Path(f'Model_{fold}') for fold in range(folds))
    choice = Choice(
        model='brainmets',
        weights=paths,
        sha256=('ab' * 32,) * folds,
        parity=parity,
        dropout=dropout,
    )
    assert choice.looks == looks
