# SPDX-License-Identifier: Apache-2.0
"""Visits, lesions and summaries for the tests of what is written."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bids_seg import image
from bids_seg.records import (
    Alignment,
    Diameters,
    Lesion,
    LesionSet,
    Line,
    ModelRun,
    Scan,
    Visit,
    VisitSummary,
)
from bids_seg.write import names

SHAPE = (7, 8, 9)


def oblique() -> image.Grid:
    """A left-handed oblique grid with voxels of three sizes."""
    turn = np.deg2rad(12)
    affine = np.eye(4)
    affine[:3, :3] = np.array(
        [
            [-np.cos(turn), -np.sin(turn), 0],
            [-np.sin(turn), np.cos(turn), 0],
            [0, 0, 1],
        ]
    ) @ np.diag([0.9, 1.1, 3.0])
    affine[:3, 3] = (11, -7, 5)
    return image.Grid(SHAPE, affine)


def a_scan(role: str, name: str, **entities: str) -> Scan:
    folder, _, _ = name.rpartition('_')
    session = f'{folder.partition("_")[2].partition("_")[0]}/' if 'ses-' in name else ''
    post = {'ContrastBolusIngredient': 'GADOLINIUM'} if role == 'T1wCE' else {}
    relative = f'{folder.partition("_")[0]}/{session}anat/{name}.nii.gz'
    return Scan(
        path=Path(relative),
        relative=relative,
        role=role,
        entities=entities,
        suffix=name.rpartition('_')[2],
        shape=SHAPE,
        spacing=(0.9, 1.1, 3.0),
        metadata={'MagneticFieldStrength': 3, 'Manufacturer': 'Any', **post},
    )


def a_visit(label: str, session: str | None, *, contrast: bool = True, **more: object) -> Visit:
    base = f'sub-{label}' if session is None else f'sub-{label}_ses-{session}'
    scans = [a_scan('T1w', f'{base}_T1w'), a_scan('T2w', f'{base}_T2w')]
    scans.append(a_scan('FLAIR', f'{base}_FLAIR'))
    if contrast:
        scans.insert(0, a_scan('T1wCE', f'{base}_ce-gd_T1w', ce='gd'))
    return Visit(participant=label, session=session, scans=tuple(scans), **more)


def a_lesion(number: int, disease: str = 'glioma', tissue: str = 'ET', **more: object) -> Lesion:
    line = Line(start=(1.25, -2.5, 3.0), end=(4.0, 5.0, 3.0))
    pair = Diameters(ld_mm=12.3, sd_mm=8.1, slice=4, ld=line, sd=line)
    lesion = Lesion(
        disease=disease,
        tissue=tissue,
        component_index=number,
        longest=pair,
        largest_product=pair,
        hull_ld_mm=12.35,
        concave=False,
        n_slices=3,
        slice_spacing_mm=3.0,
        axial_obliquity_deg=0.0,
        volume_mm3=90 // number,
        volume_filled_mm3=95,
        et_mm3=None if disease == 'metastases' else 90,
        ncr_mm3=None,
        esd_mm=5.56,
        sphericity=None,
        n_voxels=12,
        centroid=(1.0, 2.0, 3.0),
        mean_prob=0.875,
        max_prob=0.99,
        mutual_info_bits=None,
        total_entropy_bits=0.25,
        ld_low_mm=11.0,
        ld_high_mm=13.0,
        volume_low_mm3=80,
        volume_high_mm3=100,
        flags=('plane_oblique', 'concave'),
    )
    return replace(lesion, **more)


def a_run(task: str, regions: tuple[str, ...], visit: Visit, **more: object) -> ModelRun:
    run = ModelRun(
        task=task,
        model=task,
        version='0.1.0',
        weights_sha256=('ab' * 32,),
        images=(visit.reference.role,) if task == 'brain' else tuple(s.role for s in visit.scans),
        regions=regions,
        unavailable={},
        volumes_mm3=dict.fromkeys(regions, 119),
        threshold=0.5,
        device='cpu',
    )
    return replace(run, **more)


def a_summary(visit: Visit, **more: object) -> VisitSummary:
    fixed = visit.reference
    alignments = tuple(
        Alignment(
            moving=scan.role,
            fixed=fixed.role,
            method='rigid',
            rotation_deg=1.23456,
            translation_mm=2.0,
            mutual_information=1.2,
            mutual_information_before=1.1,
            disagreement_mm=None,
            accepted=True,
        )
        for scan in visit.scans
        if scan != fixed
    )
    contrast = 'T1wCE' in visit.roles
    glioma = ('WT', 'TC', 'ET') if contrast else ('WT', 'TC')
    missing = {} if contrast else {'ET': 'no post-contrast T1w'}
    runs = [
        a_run('brain', ('brain',), visit),
        a_run('glioma', glioma, visit, unavailable=missing),
    ]
    if contrast:
        runs.append(a_run('metastases', ('TC',), visit))
    summary = VisitSummary(
        visit=visit,
        status='complete',
        reason='',
        crash=None,
        alignments=alignments,
        models=tuple(runs),
        models_skipped={},
        costs=(),
        settings={'n4': 'no'},
        settings_sha256='5' * 64,
        input_sha256='1' * 64,
        versions={'bids-seg': '0.1.0'},
        run='20260101T120000Z-0f3a9c1b',
        stripped={scan.role: False for scan in visit.scans},
    )
    return replace(summary, **more)


def lesion_sets(summary: VisitSummary, *, count: int = 2) -> dict[str, LesionSet]:
    found = {}
    for run in summary.models:
        if run.task == 'brain':
            continue
        tissue = names.lesion_tissue(run.task, run.regions)
        found[run.task] = LesionSet(
            disease=run.task,
            tissue=tissue,
            measurement_space=summary.visit.reference.role,
            lesions=tuple(a_lesion(n, run.task, tissue) for n in range(1, count + 1)),
            n_specks=1,
            totals_mm3=run.volumes_mm3,
        )
    return found
