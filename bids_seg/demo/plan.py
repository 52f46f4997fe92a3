# SPDX-License-Identifier: Apache-2.0
"""What is made: two participants, their visits, and the tumours of each visit.

The tables are the truth that later comparisons rest on: who has what, where, how large, when.
"""

from __future__ import annotations

from dataclasses import dataclass

from bids_seg.records import Disease, Point, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Tumour:
    """One tumour through time."""

    name: str
    """Unique in its participant."""
    offset: Point
    """Where it is looked for, mm from the middle of the brain, RAS+."""
    group: str
    """Group of tissues in which it begins (`train.heads.CANDIDATES`)."""
    diameters: tuple[float, ...]
    """mm at each visit, as a ball of the same volume; 0 where it is not there."""
    rim: float
    """mm of enhancing tissue around a necrosis; 0 for a solid one."""
    oedema: tuple[float, ...]
    """Reach of the oedema at each visit, mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One participant."""

    label: str
    """Without `sub-`."""
    disease: Disease
    """Which network is asked."""
    diagnosis: str
    """As in participants.tsv."""
    age: int
    """Years at the first visit; invented."""
    sex: str
    """`F` or `M`; invented."""
    scale: tuple[float, float, float]
    """Size of the head against the template's, each axis; below 0 along R: mirrored."""
    roles: tuple[Role, ...]
    """Contrasts of each visit."""
    dates: tuple[str, ...]
    """Shifted dates of the visits: years up to 1925 mean that only differences count."""
    tumours: tuple[Tumour, ...]
    """All that it has at any visit."""


PEOPLE: tuple[Person, ...] = (
    Person(
        label='glioma',
        disease='glioma',
        diagnosis='glioma',
        age=58,
        sex='M',
        scale=(1.0, 1.0, 1.0),
        roles=('T1wCE', 'T1w', 'T2w', 'FLAIR'),
        dates=('1905-03-02T09:30:00', '1905-06-08T10:15:00'),
        tumours=(
            Tumour(
                name='G1',
                offset=(34.0, 4.0, 14.0),
                group='white matter',
                diameters=(32.0, 44.0),
                rim=5.0,
                oedema=(15.0, 19.0),
            ),
        ),
    ),
    Person(
        label='metastases',
        disease='metastases',
        diagnosis='brain metastases',
        age=63,
        sex='F',
        scale=(-0.95, 0.97, 0.96),
        roles=('T1wCE', 'T1w'),
        dates=('1905-02-14T08:45:00', '1905-05-09T11:00:00'),
        tumours=(
            Tumour(
                name='M1',
                offset=(-36.0, 34.0, 24.0),
                group='near cortex',
                diameters=(16.0, 24.0),
                rim=3.5,
                oedema=(10.0, 14.0),
            ),
            Tumour(
                name='M2',
                offset=(34.0, -44.0, 30.0),
                group='near cortex',
                diameters=(12.0, 12.0),
                rim=0.0,
                oedema=(6.0, 6.0),
            ),
            Tumour(
                name='M3',
                offset=(-24.0, -50.0, -42.0),
                group='cerebellum',
                diameters=(10.0, 7.0),
                rim=0.0,
                oedema=(4.0, 0.0),
            ),
            Tumour(
                name='M4',
                offset=(46.0, 0.0, 0.0),
                group='near cortex',
                diameters=(0.0, 9.0),
                rim=0.0,
                oedema=(0.0, 3.0),
            ),
        ),
    ),
)
"""Everybody in the dataset."""
