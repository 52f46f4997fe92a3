# SPDX-License-Identifier: Apache-2.0
"""Output folders and group tables that the pages are made from."""

import numpy as np
import pytest
from painted_output import oblique, painted, store_summary, store_visit, summary

from bids_seg.image import Volume


@pytest.fixture(scope='session')
def made(tmp_path_factory):
    """Three participants: 01 with two visits, 02 without sessions or tumour, 03 failed."""
    out = tmp_path_factory.mktemp('out')
    grid = oblique()
    for session, days, radius in (('01', 0, 12.0), ('02', 84, 8.0)):
        images, brain, classes = painted(grid, radius=radius)
        visit = summary('01', session, days=days, grid=grid)
        store_visit(out, visit, images=images, brain=brain, labels={'glioma': classes})
    images, brain, classes = painted(grid)
    empty = Volume(np.zeros(grid.shape, np.uint8), grid)
    alone = {'T1wCE': images['T1wCE']}
    store_visit(
        out,
        summary('02', roles=('T1wCE',), grid=grid),
        images=alone, brain=brain, labels={'metastases': empty},
    )  # fmt: skip
    store_summary(
        out,
        summary(
            '03', 'pre', roles=(), status='failed', alignments=(), costs=(),
            reason='sub-03/anat/x.nii.gz: 4 <volumes>; store one volume',
            crash='logs/r/crash-sub-03_ses-pre-glioma.txt',
        ),
    )  # fmt: skip
    (out / 'sub-01' / 'sub-01_lesions.tsv').write_text('participant_id\nsub-01\n')
    return out


@pytest.fixture(scope='session')
def group_tables():
    """Write group tables of made numbers."""

    def write(out, *, number=12):
        rng = np.random.default_rng(5)
        visits, qc = [], []
        for index in range(number):
            name = f'sub-{index + 1:03d}'
            status = 'failed' if index == 3 else 'skipped' if index == 4 else 'complete'
            done = status == 'complete'
            wt = int(rng.lognormal(10, 0.8))
            brain = 2_400_000 if index == 5 else int(rng.normal(1_400_000, 60_000))
            visits.append(
                {
                    'participant_id': name, 'session_id': 'ses-01', 'visit_status': status,
                    'days_from_first': '0', 'criterion': 'n/a', 'n_lesions': 1 + index % 3 if done else 'n/a',
                    'n_specks': 0 if done else 'n/a', 'wt_mm3': wt if done else 'n/a',
                    'tc_mm3': wt // 2 if done else 'n/a', 'et_mm3': wt // 3 if done else 'n/a',
                    'brain_mm3': brain if done else 'n/a', 'reason': 'n/a' if done else 'no <usable> image',
                }
            )  # fmt: skip
            nmi = 1.002 if index == 7 else round(float(rng.normal(1.2, 0.02)), 3)
            qc += [
                {
                    'participant_id': name, 'session_id': 'ses-01', 'image_role': role,
                    'spacing_mm': '1.0', 'registration_dice': 'n/a', 'registration_rotation_deg': '1.0',
                    'registration_nmi': nmi if role == 'FLAIR' else 'n/a', 'brain_mm3': brain,
                    'visit_status': status, 'reason': 'n/a', 'flags': 'n/a',
                }
                for role in ('T1wCE', 'FLAIR')
            ]  # fmt: skip
        for table, rows in (('group_visits', visits), ('group_qc', qc)):
            lines = ['\t'.join(rows[0])] + ['\t'.join(str(v) for v in row.values()) for row in rows]
            (out / f'{table}.tsv').write_text('\n'.join(lines) + '\n', encoding='utf-8')
        (out / 'sub-001.html').write_text('x')

    return write
