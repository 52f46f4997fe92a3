# SPDX-License-Identifier: Apache-2.0
"""A small output tree in the shape of BIDS.md 2.2, made by the room's own functions."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

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
from bids_seg.write import dataset, group, locks, names, participant, publish, tables
from bids_seg.write import visit as visit_texts

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


def write_images(work: Path, summary: VisitSummary, files: dict[str, str], count: int) -> None:
    """Every image of the set, with labels as their tables have them."""
    grid = oblique()
    for key, path in files.items():
        kind = key.partition(':')[0]
        if kind == 'xfm':
            image.write_bytes(work / path, b'#Insight Transform File V1.0\n')
            continue
        array = np.zeros(grid.shape, dtype=np.uint8)
        array[1:3, 2:5, 3] = 1
        if kind in {'preproc', 'probseg', 'entropy'}:
            array = array.astype(np.float32) * 0.5
        if kind == 'dseg':
            run = next(run for run in summary.models if key.endswith(run.task))
            array = array * np.uint8(tables.class_rows(run)[-1]['index'])
        volume = image.Volume(array, grid)
        if kind == 'lesions':
            array[:] = 0
            for number in range(1, count + 1):
                array[2 * number - 2, 1, 1] = number
            volume = tables.indexed(volume)
        image.save(volume, work / path)


@dataclass(frozen=True)
class Maker:
    """Makes visits as a participant run does."""

    work: Path
    out: Path

    def visit(self, summary: VisitSummary, *, count: int = 2) -> dict[str, str]:
        files = names.files_of(summary)
        sets = lesion_sets(summary, count=count)
        write_images(self.work, summary, files, count)
        visit_texts.write_texts(self.work, summary, files=files, lesions=sets)
        with locks.participant_lock(self.out, summary.visit.participant):
            publish.publish(self.work, self.out, visit=summary.visit, files=files)
            participant.write_summary(self.out, summary)
            participant.write_tables(self.out, summary.visit.participant)
        dataset.append_participant(self.out, summary.visit.participant, status=summary.status)
        return files

    def root(self, bids: Path | None, labels: set[str]) -> tuple[str, ...]:
        origin = dataset.Origin(version='0.1.0', bids_dir=bids)
        return dataset.write_root(self.out, origin, labels=labels)


def three_participants() -> list[VisitSummary]:
    visits = [
        a_visit('01', '01', days=0),
        a_visit('01', '02', days=84),
        a_visit('02', None, contrast=False),
        a_visit('03', 'pre'),
    ]
    return [a_summary(visit) for visit in visits]


def write_raw(root: Path, summaries: list[VisitSummary]) -> None:
    """An input dataset of empty files."""
    for summary in summaries:
        for scan in summary.visit.scans:
            place = root / scan.relative
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
    (root / 'dataset_description.json').write_text('{"Name": "Heads", "BIDSVersion": "1.11.1"}')


@pytest.fixture(scope='session')
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The input, with the whole tree below `derivatives/bids-seg`; not to be changed."""
    base = tmp_path_factory.mktemp('finished')
    raw = base / 'raw'
    summaries = three_participants()
    write_raw(raw, summaries)
    made = Maker(base / 'work', raw / 'derivatives' / 'bids-seg')
    labels = set()
    for number, summary in enumerate(summaries):
        files = made.visit(summary, count=0 if number == 3 else 2)
        labels |= dataset.labels_of(files.values())
        made.root(raw, labels)
        (made.out / names.page(summary.visit.participant)).write_text('<!doctype html>\n')
    group.write_tables(made.out, bids_dir=raw)
    return raw


@pytest.fixture(scope='session')
def one_visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The input with the output of one visit; not to be changed."""
    base = tmp_path_factory.mktemp('one_visit')
    raw = base / 'raw'
    summary = three_participants()[0]
    write_raw(raw, [summary])
    made = Maker(base / 'work', raw / 'derivatives' / 'bids-seg')
    made.root(raw, dataset.labels_of(made.visit(summary).values()))
    group.write_tables(made.out, bids_dir=raw)
    return raw


@pytest.fixture
def tree(one_visit: Path, tmp_path: Path) -> Path:
    """A copy of the output of one visit that a test may break."""
    shutil.copytree(one_visit, tmp_path / 'raw')
    return tmp_path / 'raw' / 'derivatives' / 'bids-seg'


@pytest.fixture
def summary_of() -> Callable[..., VisitSummary]:
    return lambda *args, **more: a_summary(a_visit(*args), **more)
