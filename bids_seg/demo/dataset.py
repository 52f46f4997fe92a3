# SPDX-License-Identifier: Apache-2.0
"""The dataset on disk: raw BIDS, and its truth as a derivative dataset inside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_seg import image
from bids_seg.demo import head as whole
from bids_seg.demo import scan, scene, truth
from bids_seg.demo.plan import PEOPLE, Person
from bids_seg.demo.scene import Scene
from bids_seg.image import Volume
from bids_seg.records import Role
from bids_seg.train import heads
from bids_seg.train.heads import Head

logger = logging.getLogger(__name__)

TRUTH = Path('derivatives', 'truth')
"""Where the truth lies in the dataset."""

NAMES: dict[Role, str] = {
    'T1wCE': 'ce-gadolinium_T1w',
    'T1w': 'T1w',
    'T2w': 'T2w',
    'FLAIR': 'FLAIR',
}
"""End of the file's name by role."""

README = """\
A made dataset with known tumours
=================================

Nobody was scanned. Each head was painted by bids-seg: the brain after the average brain of 152
people that nilearn ships (ICBM 2009), skull, face and neck from simple bodies, the tumours by the
program's own synthesis. People, ages and dates are invented.

sub-glioma: a glioma that grows between two visits; T2w and FLAIR in thick, tilted slices.
sub-metastases: metastases at three visits. At the second one of them (M3) is gone and one (M5) has
fallen into two; at the third one (M1) has grown and one (M4) is new; M2 stays as it is. The head
lies differently at each visit.

The truth is in derivatives/truth: masks, lesions.tsv with what became of each lesion, and
responses.tsv with the response at each visit. It shows that the program works from end to end; how
well it works on people must be measured on people.
"""

LESIONS = (
    'participant_id',
    'session_id',
    'lesion',
    'status',
    'identity_event',
    'events',
    'parent',
    'diameter_mm',
    'volume_mm3',
    'x',
    'y',
    'z',
)
"""Columns of the true lesions' table."""

CLINICAL: dict[str, dict[str, str]] = {
    'steroid_mg': {'Description': 'dexamethasone a day, invented', 'Units': 'mg'},
    'kps': {'Description': 'Karnofsky performance status, invented'},
    'rt_end_date': {'Description': 'end of the last radiotherapy, invented'},
    'setting': {'Description': 'newly_diagnosed or recurrent, invented'},
    'treatment_start': {'Description': 'first day of treatment, invented'},
}
"""What the clinical columns of visits and participants are."""

_CLASSES = (
    (1, 'NCR', 'necrotic tumour core'),
    (2, 'SNFH', 'surrounding oedema or infiltration'),
    (3, 'ET', 'enhancing tumour'),
    (5, 'TC', 'tumour core'),
)


def make(folder: Path, *, seed: int) -> None:
    """Write the whole dataset.

    Parameters
    ----------
    folder
        Its root; made if need be.
    seed
        The same seed gives the same bytes.
    """
    logger.info('building the head')
    head = painted_head(seed)
    write_tables(folder)
    rows: list[tuple[str, ...]] = []
    for person in PEOPLE:
        for number in range(len(person.dates)):
            rows += visit(folder, person, head, number=number, seed=seed)
    _table(folder / TRUTH / 'lesions.tsv', LESIONS, rows)


def painted_head(seed: int) -> Head:
    """Return the head that everybody in the dataset has, each in a size and shape of its own.

    Parameters
    ----------
    seed
        Seed of the dataset.
    """
    rng = np.random.default_rng((seed, 1))
    head = heads.prepare(whole.labels(whole.template(), rng), name='00')
    return scan.mix_soft_tissue(head, rng)


def session(number: int) -> str:
    """Return the label of a visit with its prefix."""
    return f'ses-{number + 1:02d}'


def visit(
    folder: Path, person: Person, head: Head, *, number: int, seed: int
) -> list[tuple[str, ...]]:
    """Write one visit and its truth; return the rows of its tumours.

    Parameters
    ----------
    folder
        Root of the dataset.
    person, head
        Who.
    number
        Which visit, from 0.
    seed
        Seed of the dataset.
    """
    made = scene.visit(person, head, number=number, seed=seed)
    name = f'sub-{person.label}_{session(number)}'
    here = Path(f'sub-{person.label}', session(number), 'anat')
    tables = scan.brightness(np.random.default_rng((seed, 3, len(person.label))))
    for role in person.roles:
        own = (seed, 4, len(person.label), number, person.roles.index(role))
        clean = scan.painted(made, role, tables=tables, seed=seed)
        seen = scan.scan(
            Volume(clean, made.grid), scan.PROTOCOLS[role], rng=np.random.default_rng(own)
        )
        image.save(seen, folder / here / f'{name}_{NAMES[role]}.nii.gz')
        _json(folder / here / f'{name}_{NAMES[role]}.json', _sidecar(role))
        logger.info('%s %s', name, NAMES[role])
    return _truth(folder, person, head, made, number=number, seed=seed)


def _sidecar(role: Role) -> dict[str, Any]:
    """Return what a raw image says of itself."""
    own: dict[str, Any] = {
        'Modality': 'MR',
        'MagneticFieldStrength': 3,
        'Manufacturer': 'none (painted)',
        'SkullStripped': False,
    }
    return {**own, 'ContrastBolusIngredient': 'GADOLINIUM'} if role == 'T1wCE' else own


def _truth(
    folder: Path, person: Person, head: Head, made: Scene, *, number: int, seed: int
) -> list[tuple[str, ...]]:
    """Write masks of brain and tumours; return the rows of the tumours."""
    name = f'sub-{person.label}_{session(number)}'
    here = Path(f'sub-{person.label}', session(number), 'anat')
    classes = np.zeros(made.grid.shape, np.uint8)
    regions = made.regions
    if person.disease == 'glioma':
        classes[made.box] = np.where(
            regions[..., 2], 3, np.where(regions[..., 1], 1, 2 * regions[..., 0])
        )
    else:
        classes[made.box] = 5 * regions[..., 0]
    source = (here / f'{name}_{NAMES["T1wCE"]}.nii.gz').as_posix()
    sidecar: dict[str, Any] = {'SpatialReference': f'bids:raw:{source}', 'Manual': False}
    stem = folder / TRUTH / here / f'{name}_space-orig'
    brain = made.brain | (classes > 0)
    for end, array, more in (
        ('desc-truth_dseg', classes, {}),
        ('label-brain_mask', brain.astype(np.uint8), {'Type': 'Brain'}),
    ):
        image.save(Volume(array, made.grid), stem.with_name(f'{stem.name}_{end}.nii.gz'))
        _json(stem.with_name(f'{stem.name}_{end}.json'), {**sidecar, **more})
    fates = [fate for fate in truth.fates(person) if fate.number == number]
    shown = [fate.lesion for fate in fates if fate.present]
    sizes = _sizes(made, shown, person, head, number=number, seed=seed)
    return [
        (
            f'sub-{person.label}',
            session(number),
            fate.lesion,
            'present' if fate.present else 'absent',
            fate.identity or 'n/a',
            ';'.join(fate.events) or 'n/a',
            fate.parent or 'n/a',
            *sizes.get(fate.lesion, ('0.0', '0', 'n/a', 'n/a', 'n/a')),
        )
        for fate in fates
    ]


def _sizes(
    made: Scene, shown: list[str], person: Person, head: Head, *, number: int, seed: int
) -> dict[str, tuple[str, ...]]:
    """Return diameter, volume and middle (mm, scanner) of the core of each lesion."""
    from scipy import ndimage

    where = scene.places_of(person, head, seed)
    core = made.regions[..., 1 if person.disease == 'glioma' else 0]
    points, _ = scene.positions(person, head, number=number, seed=seed)
    near = [place[made.box] for place in points]
    numbers, count = ndimage.label(core, structure=np.ones((3, 3, 3)))
    out = {}
    for name in shown:
        away = sum((place - at) ** 2 for place, at in zip(near, where[name], strict=True))
        one = int(
            np.where(numbers > 0, numbers, count + 1).flat[np.where(core, away, np.inf).argmin()]
        )
        voxels = np.argwhere(numbers == one).mean(0) + [box.start for box in made.box]
        volume = int((numbers == one).sum())
        middle = (made.grid.affine @ np.append(voxels, 1.0))[:3]
        diameter = 2 * (3 * volume / (4 * np.pi)) ** (1 / 3)
        out[name] = (f'{diameter:.1f}', str(volume), *(f'{value:.1f}' for value in middle))
    return out


def write_tables(folder: Path) -> None:
    """Write all that is no image.

    Parameters
    ----------
    folder
        Root of the dataset.
    """
    _json(
        folder / 'dataset_description.json',
        {
            'Name': 'Painted heads with known tumours',
            'BIDSVersion': '1.10.0',
            'DatasetType': 'raw',
            'License': 'CC0',
            'Authors': ['bids-seg'],
            'GeneratedBy': [{'Name': 'bids-seg demo'}],
        },
    )
    image.write_bytes(folder / 'README.md', README.encode())
    _people(folder)
    for person in PEOPLE:
        own = folder / f'sub-{person.label}' / f'sub-{person.label}_sessions.tsv'
        clinical = zip(*person.clinical.values(), strict=True)
        rows = [
            (session(number), date, *row)
            for number, (date, row) in enumerate(zip(person.dates, clinical, strict=True))
        ]
        _table(own, ('session_id', 'acq_time', *person.clinical), rows)
        _json(own.with_suffix('.json'), {name: CLINICAL[name] for name in person.clinical})
    _truth_tables(folder / TRUTH)


def _people(folder: Path) -> None:
    """Write the table of participants."""
    info = sorted({name for person in PEOPLE for name in person.info})
    _table(
        folder / 'participants.tsv',
        ('participant_id', 'age', 'sex', 'diagnosis', *info),
        [
            (
                f'sub-{one.label}',
                str(one.age),
                one.sex,
                one.diagnosis,
                *(one.info.get(name, 'n/a') for name in info),
            )
            for one in PEOPLE
        ],
    )
    _json(
        folder / 'participants.json',
        {
            'age': {'Description': 'age at the first visit, invented', 'Units': 'year'},
            'sex': {'Description': 'invented', 'Levels': {'F': 'female', 'M': 'male'}},
            'diagnosis': {'Description': 'which kind of tumour was painted'},
            **{name: CLINICAL[name] for name in info},
        },
    )


def _truth_tables(folder: Path) -> None:
    """Write all of the truth that is no image, but its table of lesions."""
    _json(
        folder / 'dataset_description.json',
        {
            'Name': 'Painted heads with known tumours: what was painted',
            'BIDSVersion': '1.10.0',
            'DatasetType': 'derivative',
            'License': 'CC0',
            'Authors': ['bids-seg'],
            'GeneratedBy': [{'Name': 'bids-seg demo'}],
            'DatasetLinks': {'raw': '../..'},
        },
    )
    image.write_bytes(folder / 'README.md', b'Brain and tumours as they were painted.\n')
    # No table of the standard holds single lesions; the validator is told to pass over ours.
    image.write_bytes(folder / '.bidsignore', b'lesions.*\nresponses.*\n')
    classes = [(str(value), name, short) for value, short, name in _CLASSES]
    _table(folder / 'desc-truth_dseg.tsv', ('index', 'name', 'abbreviation'), classes)
    _json(
        folder / 'lesions.json',
        {
            'lesion': {'Description': 'name of a lesion, the same at each visit'},
            'status': {'Description': 'present or absent'},
            'identity_event': {'Description': 'what happened to its identity at this visit'},
            'events': {'Description': 'what happened to its size or shape at this visit'},
            'parent': {'Description': 'lesion of which it was a part before'},
            'diameter_mm': {'Description': 'of a ball as large as its core', 'Units': 'mm'},
            'volume_mm3': {'Description': 'volume of its core', 'Units': 'mm^3'},
            'x': {'Description': 'middle of its core, to the right', 'Units': 'mm'},
            'y': {'Description': 'middle of its core, to the front', 'Units': 'mm'},
            'z': {'Description': 'middle of its core, upwards', 'Units': 'mm'},
        },
    )
    _table(
        folder / 'responses.tsv',
        ('participant_id', 'session_id', 'criterion', 'response'),
        [
            (f'sub-{person.label}', session(number), person.criterion, response)
            for person in PEOPLE
            for number, response in enumerate(person.responses)
        ],
    )
    _json(
        folder / 'responses.json',
        {
            'criterion': {'Description': 'by which the response is'},
            'response': {'Description': 'worked out by hand from the diameters of the plan'},
        },
    )


def _json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file."""
    image.write_bytes(path, (json.dumps(content, indent=2) + '\n').encode())


def _table(path: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Write a table."""
    text = ''.join('\t'.join(row) + '\n' for row in (header, *rows))
    image.write_bytes(path, text.encode())
