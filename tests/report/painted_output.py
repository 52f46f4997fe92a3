# SPDX-License-Identifier: Apache-2.0
"""Output folders as `write/` leaves them, made from small painted heads."""

import dataclasses
from pathlib import Path

import numpy as np
from scipy import ndimage

from bids_seg import image
from bids_seg.image import Grid, Volume
from bids_seg.records import (
    Alignment,
    Cost,
    ModelRun,
    PassedOver,
    Scan,
    Visit,
    VisitSummary,
    to_json,
)

REGIONS = {'glioma': ('WT', 'TC', 'ET'), 'metastases': ('TC',)}
CLASSES = {'WT': (1, 2, 3, 5, 6), 'TC': (1, 3, 5), 'ET': (3,)}
SHIFT = np.array([6.0, -4.0, 2.0])


def scan(role, participant='01', session=None, *, shape=(7, 8, 9), spacing=(1.0, 1.0, 3.0)):
    suffix = 'T1w' if role == 'T1wCE' else role
    entities = {'ce': 'gd'} if role == 'T1wCE' else {}
    stem = f'sub-{participant}' + ('' if session is None else f'_ses-{session}')
    folder = f'sub-{participant}/' + ('' if session is None else f'ses-{session}/') + 'anat'
    middle = ''.join(f'_{key}-{value}' for key, value in entities.items())
    name = f'{stem}{middle}_{suffix}.nii.gz'
    return Scan(
        path=Path(folder) / name, relative=f'{folder}/{name}', role=role, entities=entities,
        suffix=suffix, shape=shape, spacing=spacing, metadata={}, notes=(),
    )  # fmt: skip


def summary(participant='01', session=None, *, roles=('T1wCE', 'T1w', 'T2w', 'FLAIR'), **changes):
    grid = changes.pop('grid', Grid((7, 8, 9), np.diag([1.0, 1.0, 3.0, 1.0])))
    days = changes.pop('days', None)
    scans = tuple(
        scan(role, participant, session, shape=grid.shape, spacing=grid.spacing) for role in roles
    )
    visit = Visit(
        participant=participant, session=session, scans=scans, days=days,
        passed_over=(
            PassedOver(relative=f'sub-{participant}/anat/sub-{participant}_PDw.nii.gz', reason='PDw is not used'),
        ),
    )  # fmt: skip
    reference = visit.reference.role if visit.reference else 'T1w'
    alignments = tuple(
        Alignment(
            moving=role, fixed=reference, method='rigid', rotation_deg=1.2, translation_mm=7.5,
            mutual_information=1.21, mutual_information_before=1.08, disagreement_mm=0.12, accepted=True,
        )
        for role in roles
        if role != reference
    )  # fmt: skip
    made = VisitSummary(
        visit=visit, status='complete', reason='', crash=None, alignments=alignments, models=(),
        models_skipped={},
        costs=(
            Cost(stage='prepare', seconds=21.4, peak_mb=820.0),
            Cost(stage='segment', seconds=88.0, peak_mb=3120.0),
            Cost(stage='measure', seconds=3.2, peak_mb=510.0),
        ),
        settings={'bias': 'keep', 'random_seed': '1', 'brain_border_mm': '0'},
        settings_sha256='a1' * 32, input_sha256='b2' * 32,
        versions={'bids-seg': '0.1.0', 'tensorflow-cpu': '2.21.0', 'SimpleITK': '2.5.7'},
        run='20260101T120000Z-0f3a9c1b',
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def model_run(task, volumes, *, images=('T1wCE',), unavailable=None, warnings=()):
    regions = ('brain',) if task == 'brain' else tuple(volumes)
    return ModelRun(
        task=task, model=task, version='0.1.0', weights_sha256=('c3' * 32,), images=images,
        regions=regions, unavailable=unavailable or {}, volumes_mm3=volumes, threshold=0.5,
        device='cpu', warnings=warnings,
    )  # fmt: skip


def store_summary(out, made):
    path = (
        out / f'sub-{made.visit.participant}' / 'figures' / f'{made.visit.name}_desc-summary.json'
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(made), encoding='utf-8')


def lesion_rows(labels, disease, entropy):
    """Measure roughly: good enough for a page, not the rules of `measure/`."""
    tissue = 'ET' if disease == 'glioma' else 'TC'
    grid = labels.grid
    found, number = ndimage.label(np.isin(labels.array, CLASSES[tissue]), np.ones((3, 3, 3)))
    sizes = ndimage.sum_labels(np.ones(found.shape), found, range(1, number + 1))
    kept = [i + 1 for i in np.argsort(-sizes) if sizes[i] >= 3 and sizes[i] * grid.voxel_mm3 >= 8]
    out = np.zeros(found.shape, np.uint16)
    rows = []
    for rank, index in enumerate(kept, start=1):
        mask = found == index
        out[mask] = 10000 + rank
        k = int(mask.sum(axis=(0, 1)).argmax())
        spots = np.argwhere(mask[:, :, k])
        world = (grid.affine @ np.c_[spots, np.full(len(spots), k), np.ones(len(spots))].T)[:3].T
        thin = world[:: max(1, len(world) // 600)]
        apart = np.linalg.norm(thin[:, None] - thin[None], axis=-1)
        a, b = np.unravel_index(apart.argmax(), apart.shape)
        ld, along = apart[a, b], thin[b] - thin[a]
        turned = np.cross(along, grid.affine[:3, 2]) / np.linalg.norm(grid.affine[:3, 2])
        unit = turned / (np.linalg.norm(turned) or 1)
        reach = (world - world.mean(axis=0)) @ unit
        middle = world.mean(axis=0)
        ends = {
            'ld_p0': thin[a], 'ld_p1': thin[b],
            'sd_p0': middle + unit * reach.min(), 'sd_p1': middle + unit * reach.max(),
        }  # fmt: skip
        centre = grid.affine @ np.append(np.argwhere(mask).mean(axis=0), 1)
        volume = round(mask.sum() * grid.voxel_mm3)
        sd = reach.max() - reach.min()
        row = {
            'index': 10000 + rank, 'name': f'U{rank:03d}', 'color': '#56b4e9', 'tissue': tissue,
            'ld_mm': f'{ld:.1f}', 'sd_mm': f'{sd:.1f}', 'ld_slice': k, 'bp_mm2': f'{ld * sd:.2f}',
            'n_slices': int(mask.any(axis=(0, 1)).sum()), 'volume_mm3': volume,
            'et_mm3': volume if disease == 'glioma' else 'n/a', 'ncr_mm3': 'n/a',
            'sphericity': '0.71', 'mean_prob': '0.91', 'total_entropy_bits': f'{entropy.array[mask].mean():.4f}',
            'ld_low_mm': f'{ld - 1.4:.1f}', 'ld_high_mm': f'{ld + 1.1:.1f}', 'flags': 'concave' if rank == 1 else 'n/a',
            'centroid_x': f'{centre[0]:.2f}', 'centroid_y': f'{centre[1]:.2f}', 'centroid_z': f'{centre[2]:.2f}',
        }  # fmt: skip
        for name, point in ends.items():
            row |= {
                f'{name}_{axis}': f'{value:.3f}' for axis, value in zip('xyz', point, strict=True)
            }
        rows.append(row)
    return rows, Volume(out, grid)


def store_visit(out, made, *, images, brain, labels):
    """Write a complete visit: images by role, brain mask, class images by disease."""
    visit = made.visit
    anat = out / f'sub-{visit.participant}'
    anat = (anat if visit.session is None else anat / f'ses-{visit.session}') / 'anat'
    stem, reference = visit.name, visit.reference.role
    image.save(brain, anat / f'{stem}_ce-gd_space-orig_desc-brain_mask.nii.gz')
    for role, volume in images.items():
        suffix = 'T1w' if role == 'T1wCE' else role
        own = (
            f'{"_ce-gd" if role == "T1wCE" else ""}_space-orig'
            if role == reference
            else f'_space-{reference}'
        )
        image.save(volume, anat / f'{stem}{own}_desc-preproc_{suffix}.nii.gz')
        if role != reference:
            numbers = ' '.join(str(float(v)) for v in [*np.eye(3).ravel(), *SHIFT])
            text = f'#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\nParameters: {numbers}\nFixedParameters: 0 0 0\n'
            (anat / f'{stem}_from-{role}_to-{reference}_mode-image_xfm.txt').write_text(text)
    models = [model_run('brain', {'brain': round(brain.array.sum() * brain.grid.voxel_mm3)})]
    for disease, classes in labels.items():
        regions = {r: np.isin(classes.array, CLASSES[r]) for r in REGIONS[disease]}
        image.save(classes, anat / f'{stem}_space-orig_seg-{disease}_dseg.nii.gz')
        soft = sum(
            ndimage.gaussian_filter(m.astype(np.float32), 1.0) for m in regions.values()
        ) / len(regions)
        p = np.clip(soft, 1e-6, 1 - 1e-6)
        entropy = Volume(
            (-p * np.log2(p) - (1 - p) * np.log2(1 - p)).astype(np.float32), classes.grid
        )
        image.save(entropy, anat / f'{stem}_space-orig_seg-{disease}_desc-entropy_probseg.nii.gz')
        for region, mask in regions.items():
            image.save(
                Volume(mask.astype(np.uint8), classes.grid),
                anat / f'{stem}_space-orig_label-{region}_desc-{disease}_mask.nii.gz',
            )
        rows, indices = lesion_rows(classes, disease, entropy)
        image.save(indices, anat / f'{stem}_space-orig_seg-{disease}Lesions_dseg.nii.gz')
        columns = list(rows[0]) if rows else ['index', 'name', 'color', 'tissue', 'volume_mm3']
        lines = [
            '\t'.join(columns),
            '\t'.join(['0', 'background', '#000000', *['n/a'] * (len(columns) - 3)]),
        ]
        lines += ['\t'.join(str(row[c]) for c in columns) for row in rows]
        table = anat / f'{stem}_space-orig_seg-{disease}Lesions_dseg.tsv'
        table.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        volumes = {r: round(m.sum() * classes.grid.voxel_mm3) for r, m in regions.items()}
        models.append(model_run(disease, volumes, images=tuple(images)))
    store_summary(out, dataclasses.replace(made, models=(*made.models, *models)))


def painted(grid, *, centre=(0.62, 0.5, 0.5), radius=9.0):
    """Return images, brain mask and glioma classes of a small head."""
    i, j, k = np.indices(grid.shape)
    spots = np.stack([i, j, k]) * np.array(grid.spacing)[:, None, None, None]
    extent = np.array(grid.shape) * np.array(grid.spacing)
    apart = np.sqrt(sum(((s - e / 2) / (e / 2.6)) ** 2 for s, e in zip(spots, extent, strict=True)))
    brain = apart < 1
    reach = np.sqrt(sum((s - c * e) ** 2 for s, c, e in zip(spots, centre, extent, strict=True)))
    classes = np.zeros(grid.shape, np.uint8)
    for limit, value in ((radius * 1.7, 2), (radius, 3), (radius * 0.5, 1)):
        classes[(reach < limit) & brain] = value
    noise = np.random.default_rng(3).normal(0, 8, grid.shape)
    base = np.where(brain, 300 + noise, np.where(apart < 1.15, 120, 0))
    gains = {
        'T1wCE': (0, -40, 200),
        'T1w': (-60, -40, 0),
        'T2w': (160, 120, 40),
        'FLAIR': (60, 180, 60),
    }
    images = {
        role: Volume((base + sum(g * (classes == v) for g, v in zip(gain, (1, 2, 3), strict=True))).astype(np.float32), grid)
        for role, gain in gains.items()
    }  # fmt: skip
    return images, Volume(brain.astype(np.uint8), grid), Volume(classes, grid)


def oblique():
    """A grid with three different sides, anisotropic voxels, tilted, stored left-handed."""
    turn = np.radians(9)
    tilt = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    affine = np.eye(4)
    affine[:3, :3] = tilt @ np.diag([-1.9, 1.9, 3.1])
    affine[:3, 3] = (70, -60, -50)
    return Grid((62, 74, 41), affine)
