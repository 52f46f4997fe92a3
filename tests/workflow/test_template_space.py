# SPDX-License-Identifier: Apache-2.0
"""Classes on the grid of a template: where they lie, what is said of them, and what the group has."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_dataset import SPACING, write_nifti

from bids_seg import image, register
from bids_seg.image import Grid, Volume
from bids_seg.records import ModelRun, Scan, Visit, VisitSummary, to_json
from bids_seg.register import Fit, Heads
from bids_seg.workflow import standard
from bids_seg.workflow.state import RunContext, VisitState
from bids_seg.write import names
from bids_seg.write import standard as written

SPACE = 'MNI152NLin2009aSym:res-1'
SHAPE = (14, 15, 12)
GRID = Grid((28, 30, 20), np.diag([4.0, 4.0, 4.0, 1.0]), 4)
FIT = Fit(
    disagreement_mm=1.0,
    mutual_information=1.1,
    mutual_information_before=1.0,
    scales=(0.9, 1.0),
    brain_dice=None,
)
RUN = ModelRun(
    task='glioma',
    model='glioma',
    version='1',
    weights_sha256=('a',),
    images=('T1wCE',),
    regions=('WT', 'TC', 'ET'),
    unavailable={},
    volumes_mm3={'WT': 1, 'TC': 1, 'ET': 1},
    threshold=0.5,
    device='cpu',
)


def visit(participant='1'):
    scan = Scan(
        path=Path('sub-1_T1w.nii.gz'),
        relative='sub-1/anat/sub-1_T1w.nii.gz',
        role='T1wCE',
        entities={},
        suffix='T1w',
        shape=SHAPE,
        spacing=SPACING,
        metadata={},
    )
    return Visit(participant=participant, session=None, scans=(scan,))


@pytest.fixture
def state(tmp_path):
    """Return a visit whose network saw a box, enhancing where it is certain."""
    write_nifti(tmp_path / 'image.nii.gz')
    grid = image.read_header(tmp_path / 'image.nii.gz').grid
    files = {'preproc:T1wCE': tmp_path / 'image.nii.gz'}
    for region, size in (('WT', 6), ('TC', 4), ('ET', 2)):
        array = np.zeros(SHAPE, np.float32)
        array[4 : 4 + size, 4 : 4 + size, 4 : 4 + size] = 0.9
        files[f'probseg:glioma:{region}'] = tmp_path / f'{region}.nii.gz'
        image.save(Volume(array, grid), files[f'probseg:glioma:{region}'])
    return VisitState(
        visit=visit(),
        tasks=('glioma',),
        models_skipped={},
        root=tmp_path,
        settings_sha256='s',
        input_sha256='i',
        files=files,
        models=(RUN,),
    )


def about(tmp_path, spaces=SPACE):
    return RunContext(
        bids_dir=tmp_path,
        out_dir=tmp_path,
        work_dir=tmp_path,
        run='r',
        settings={'output-spaces': spaces} if spaces else {},
        versions={},
        seed=1,
    )


@pytest.fixture
def fitted(monkeypatch):
    """Return a function that says where the head ends on a small template."""
    fixed = Heads(
        image=Volume(np.ones(GRID.shape, np.float32), GRID), brain=Volume(np.ones(GRID.shape), GRID)
    )

    def end(matrix, fit=FIT):
        monkeypatch.setattr(register, 'template', lambda _: fixed)
        monkeypatch.setattr(register, 'to_template', lambda *_, **__: (matrix, fit))

    return end


def summary_of(state, carried):
    return VisitSummary(
        visit=state.visit,
        status='complete',
        reason='',
        crash=None,
        alignments=(),
        models=state.models,
        models_skipped={},
        costs=(),
        settings={},
        settings_sha256='s',
        input_sha256='i',
        versions={},
        run='r',
        spaces=carried.spaces,
    )


def test_classes_lie_where_the_movement_takes_them(state, tmp_path, fitted):
    matrix = np.eye(4)
    matrix[:3, 3] = [-50, -60, -30]
    fitted(matrix)
    carried = standard.carry(state, about(tmp_path))
    assert (carried.spaces, carried.warnings) == ((SPACE,), ())
    files = standard.describe(state, summary_of(state, carried), carried)
    (path,) = files.values()
    labels = image.read_labels(tmp_path / path)
    assert (labels.grid.same(GRID), labels.grid.code) == (True, 4)
    # The box begins at voxel 4 of the image: 32, 32, 24 mm from its first voxel.
    assert labels.array[8, 8, 6] == 3
    inside = np.argwhere(labels.array == 3)
    assert inside.min(axis=0).tolist() == [8, 8, 6]
    assert set(np.unique(labels.array)) == {0, 1, 2, 3}
    content = json.loads((tmp_path / path.replace('.nii.gz', '.json')).read_text())
    assert content['SpatialReference'].startswith('https://')
    assert content['Resolution'] == '1 mm isotropic'
    assert content['BrainDice'] is None
    assert len(content['Sources']) == 3
    assert 'SNFH' in (tmp_path / path.replace('.nii.gz', '.tsv')).read_text()
    assert set(names.files_of(summary_of(state, carried)).values()) >= {path}


@pytest.mark.parametrize(
    ('fit', 'words'),
    [
        (dataclasses.replace(FIT, disagreement_mm=20.0), '20.0 mm away'),
        (dataclasses.replace(FIT, brain_dice=0.2), '0.20 only'),
    ],
)
def test_a_poor_fit_is_a_warning_and_no_file(state, tmp_path, fitted, fit, words):
    fitted(np.eye(4), fit)
    carried = standard.carry(state, about(tmp_path))
    assert carried.spaces == ()
    assert words in carried.warnings[0]
    assert not list(tmp_path.rglob('*MNI152*'))


def test_nothing_is_done_that_was_not_asked_for(state, tmp_path):
    assert standard.carry(state, about(tmp_path, spaces='')).spaces == ()
    bare = dataclasses.replace(state, models=())
    assert standard.carry(bare, about(tmp_path)).spaces == ()


def test_the_group_has_the_share_of_visits_at_each_place(state, tmp_path, fitted):
    matrix = np.eye(4)
    matrix[:3, 3] = [-50, -60, -30]
    for label, shift in (('1', 0.0), ('2', 16.0)):
        matrix[0, 3] = -50 - shift
        fitted(matrix)
        one = dataclasses.replace(state, visit=visit(label))
        carried = standard.carry(one, about(tmp_path))
        summary = summary_of(one, carried)
        standard.describe(one, summary, carried)
        place = tmp_path / names.summary(one.visit)
        place.parent.mkdir(parents=True)
        place.write_text(to_json(summary))
    stale = tmp_path / 'tpl-old/anat/tpl-old_res-1_label-WT_desc-glioma_probseg.nii.gz'
    stale.parent.mkdir(parents=True)
    stale.touch()
    made = written.write_shares(tmp_path)
    assert [Path(path).name for path in made] == [
        f'tpl-MNI152NLin2009aSym_res-1_label-{region}_desc-glioma_probseg.nii.gz'
        for region in ('WT', 'TC', 'ET')
    ]
    share = image.read_map(tmp_path / made[0])
    assert set(np.unique(share.array)) == {0.0, 0.5, 1.0}
    assert (share.array[8, 8, 6], share.array[12, 8, 6]) == (0.5, 1.0)
    assert not stale.exists()
    before = (tmp_path / made[0]).stat().st_mtime_ns
    assert written.write_shares(tmp_path) == made
    assert (tmp_path / made[0]).stat().st_mtime_ns == before
