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
from bids_seg.demo import scan, scene
from bids_seg.demo.plan import PEOPLE, Person, Tumour
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
sub-metastases: metastases, of which one grows, one stays, one shrinks and one is new at visit 2.

The truth is in derivatives/truth. It shows that the program works from end to end; how well it
works on people must be measured on people.
"""

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
    _table(
        folder / TRUTH / 'lesions.tsv',
        ('participant_id', 'session_id', 'lesion', 'diameter_mm', 'volume_mm3', 'x', 'y', 'z'),
        rows,
    )


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
    where = scene.places_of(person, head, seed)
    shown = [each for each in person.tumours if each.diameters[number] > 0]
    volumes = _volumes(made, shown, where, person, head, number=number, seed=seed)
    return [
        (
            f'sub-{person.label}',
            session(number),
            each.name,
            f'{each.diameters[number]:g}',
            str(volumes[each.name][0]),
            *(f'{value:.1f}' for value in volumes[each.name][1]),
        )
        for each in shown
    ]


def _volumes(
    made: Scene,
    shown: list[Tumour],
    where: dict[str, Any],
    person: Person,
    head: Head,
    *,
    number: int,
    seed: int,
) -> dict[str, tuple[int, Any]]:
    """Return the core's volume and its middle (mm, scanner) for each tumour."""
    from scipy import ndimage

    core = made.regions[..., 1 if person.disease == 'glioma' else 0]
    points, _ = scene.positions(person, head, number=number, seed=seed)
    near = [place[made.box] for place in points]
    numbers, count = ndimage.label(core, structure=np.ones((3, 3, 3)))
    out = {}
    for each in shown:
        away = sum((place - at) ** 2 for place, at in zip(near, where[each.name], strict=True))
        one = int(
            np.where(numbers > 0, numbers, count + 1).flat[np.where(core, away, np.inf).argmin()]
        )
        voxels = np.argwhere(numbers == one).mean(0) + [box.start for box in made.box]
        out[each.name] = (
            int((numbers == one).sum()),
            (made.grid.affine @ np.append(voxels, 1.0))[:3],
        )
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
    _table(
        folder / 'participants.tsv',
        ('participant_id', 'age', 'sex', 'diagnosis'),
        [(f'sub-{one.label}', str(one.age), one.sex, one.diagnosis) for one in PEOPLE],
    )
    _json(
        folder / 'participants.json',
        {
            'age': {'Description': 'age at the first visit, invented', 'Units': 'year'},
            'sex': {'Description': 'invented', 'Levels': {'F': 'female', 'M': 'male'}},
            'diagnosis': {'Description': 'which kind of tumour was painted'},
        },
    )
    for person in PEOPLE:
        rows = [(session(number), date) for number, date in enumerate(person.dates)]
        own = folder / f'sub-{person.label}' / f'sub-{person.label}_sessions.tsv'
        _table(own, ('session_id', 'acq_time'), rows)
    truth = folder / TRUTH
    _json(
        truth / 'dataset_description.json',
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
    image.write_bytes(truth / 'README.md', b'Brain and tumours as they were painted.\n')
    # No table of the standard holds single lesions; the validator is told to pass over ours.
    image.write_bytes(truth / '.bidsignore', b'lesions.tsv\nlesions.json\n')
    classes = [(str(value), name, short) for value, short, name in _CLASSES]
    _table(truth / 'desc-truth_dseg.tsv', ('index', 'name', 'abbreviation'), classes)
    _json(
        truth / 'lesions.json',
        {
            'lesion': {'Description': 'name of a tumour, the same at each visit'},
            'diameter_mm': {'Description': 'diameter it was drawn with', 'Units': 'mm'},
            'volume_mm3': {'Description': 'volume of its core', 'Units': 'mm^3'},
            'x': {'Description': 'middle of its core, to the right', 'Units': 'mm'},
            'y': {'Description': 'middle of its core, to the front', 'Units': 'mm'},
            'z': {'Description': 'middle of its core, upwards', 'Units': 'mm'},
        },
    )


def _json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file."""
    image.write_bytes(path, (json.dumps(content, indent=2) + '\n').encode())


def _table(path: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Write a table."""
    text = ''.join('\t'.join(row) + '\n' for row in (header, *rows))
    image.write_bytes(path, text.encode())
