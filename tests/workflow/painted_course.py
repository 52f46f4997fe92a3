# SPDX-License-Identifier: Apache-2.0
"""A patient with metastases through time: balls in a head that moves, written as a run does it."""

import dataclasses
import math
from pathlib import Path

import numpy as np
from lumpy_head import grid_of, head

from bids_seg import image, register
from bids_seg.image import Volume
from bids_seg.records import ModelRun, Scan, Visit
from bids_seg.workflow import finish
from bids_seg.workflow.history.job import FollowJob
from bids_seg.workflow.state import RunContext, VisitState
from bids_seg.write import names

GRID = grid_of((60, 72, 60), (3.0, 3.0, 3.2))
REGIONS = {'metastases': ('TC',), 'glioma': ('WT', 'TC', 'ET')}


def movement(degrees=0.0, shift=(0.0, 0.0, 0.0)):
    """Return a rotation about all axes and a shift, mm."""
    each = math.radians(degrees) / math.sqrt(3)
    matrix = register.rotation((each, -each, each), about=np.zeros(3))
    matrix[:3, 3] += shift
    return matrix


def places(matrix, grid=GRID):
    """Return for each voxel the place of its anatomy in the head at rest, mm, shape (I, J, K, 3)."""
    index = np.indices(grid.shape).reshape(3, -1)
    points = np.linalg.inv(matrix) @ grid.affine @ np.vstack([index, np.ones(index.shape[1])])
    return points[:3].T.reshape(*grid.shape, 3)


def balls(at, every):
    """Return where any of some balls (place, radius) is."""
    inside = np.zeros(at.shape[:3], dtype=bool)
    for place, radius in every:
        inside |= ((at - place) ** 2).sum(axis=-1) <= radius**2
    return inside


@dataclasses.dataclass
class Painted:
    """An output folder and a work folder of one participant."""

    root: Path
    disease: str = 'metastases'
    keep_dates: bool = False

    @property
    def out(self):
        return self.root / 'out'

    @property
    def about(self):
        return RunContext(
            bids_dir=self.root / 'bids',
            out_dir=self.out,
            work_dir=self.root / 'work',
            run='20260101T120000Z-0f3a9c1b',
            settings={},
            versions={'bids-seg': '0.1.0'},
            seed=1,
            keep_dates=self.keep_dates,
        )

    def visit(
        self,
        session,
        every,
        *,
        days=None,
        matrix=None,
        grey=True,
        probability=0.9,
        left=(),
        seed=0,
        **more,
    ):
        """Write one visit; `every` are balls, `left` balls of which only a doubt is left."""
        matrix = np.eye(4) if matrix is None else matrix
        at = places(matrix)
        inside, doubt = balls(at, every), balls(at, left)
        values = head(GRID, matrix=matrix, seed=seed).array if grey else at[..., 0] + 200.0
        brain = ((at - (0, 2, 2)) / (62, 80, 68)) ** 2
        visit = _visit(session, days, **more)
        run = _run(self.disease)
        regions = {'brain': ('brain',), self.disease: run.regions}
        files = names.visit_files(visit, aligned=(), tasks=regions)
        share = np.where(inside, probability, np.where(doubt, 0.4, 0.05)).astype(np.float32)
        content = {
            'preproc:T1wCE': np.where(inside, values + 40, values).astype(np.float32),
            'brain_mask': (brain.sum(axis=-1) < 1).astype(np.uint8),
            f'dseg:{self.disease}': np.where(inside, 5, 0).astype(np.uint8),
            f'entropy:{self.disease}': np.zeros(GRID.shape, dtype=np.float32),
        }
        for region in run.regions:
            content[f'probseg:{self.disease}:{region}'] = share
            content[f'mask:{self.disease}:{region}'] = inside.astype(np.uint8)
        if self.disease == 'glioma':
            halo = balls(at, [(place, radius + 6) for place, radius in every])
            content['dseg:glioma'] = np.where(inside, 3, np.where(halo, 2, 0)).astype(np.uint8)
        work = self.root / 'work'
        for key, array in content.items():
            image.save(Volume(array, GRID), work / files[key])
        state = VisitState(
            visit=visit,
            tasks=('brain', self.disease),
            models_skipped={},
            root=work,
            settings_sha256='a1' * 32,
            input_sha256=f'{session}-{seed}',
            files={key: work / files[key] for key in content},
            models=(dataclasses.replace(run, task='brain', regions=('brain',)), run),
        )
        finish.measure_and_publish(state, self.about)
        return visit

    def job(self, *visits, **more):
        """Return what is asked for."""
        bare = tuple(dataclasses.replace(visit, scans=()) for visit in visits)
        asked = {
            'info': {},
            'warnings': (),
            'edits': (),
            'criteria': ('auto',),
            'rules': (),
            'reference': 'first-date',
            'keep_dates': self.keep_dates,
            'seed': 1,
        }
        return FollowJob(participant='01', timeline=bare, **{**asked, **more})


def _visit(session, days, **more):
    """Return a visit with one image."""
    tail = '' if session is None else f'_ses-{session}'
    folder = 'sub-01/' + ('' if session is None else f'ses-{session}/') + 'anat'
    relative = f'{folder}/sub-01{tail}_ce-gd_T1w.nii.gz'
    scan = Scan(
        path=Path(relative),
        relative=relative,
        role='T1wCE',
        entities={'ce': 'gd'},
        suffix='T1w',
        shape=GRID.shape,
        spacing=GRID.spacing,
        metadata={},
    )
    return Visit(participant='01', session=session, scans=(scan,), days=days, **more)


def _run(disease):
    """Return what is said of a network."""
    return ModelRun(
        task=disease,
        model=disease,
        version='0.1.0',
        weights_sha256=('c3' * 32,),
        images=('T1wCE',),
        regions=REGIONS[disease],
        unavailable={},
        volumes_mm3={},
        threshold=0.5,
        device='cpu',
    )
