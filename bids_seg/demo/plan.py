# SPDX-License-Identifier: Apache-2.0
"""What is made: two participants, their visits, and the tumours of each visit.

The tables are the truth that later comparisons rest on: who has what, where, how large, when, and
which response that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bids_seg.records import Disease, Point, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Tumour:
    """One tumour through time."""

    name: str
    """Unique in its participant."""
    offset: Point
    """Where it is looked for, mm from the middle of the brain, RAS+; for one that lies beside
    another, where it is, mm from that one."""
    group: str
    """Group of tissues in which it begins (`train.heads.CANDIDATES`)."""
    diameters: tuple[float, ...]
    """mm at each visit, as a ball of the same volume; 0 where it is not there."""
    rim: float
    """mm of enhancing tissue around a necrosis; 0 for a solid one."""
    oedema: tuple[float, ...]
    """Reach of the oedema at each visit, mm."""
    beside: str = ''
    """An earlier tumour of the list that it lies beside; where both touch they are one lesion."""


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
    clinical: Mapping[str, tuple[str, ...]]
    """Clinical columns of the visits, by the names that the criteria read; invented."""
    info: Mapping[str, str] = field(default_factory=dict)
    """Clinical columns of the participant; invented."""
    criterion: str
    """By which `responses` are."""
    responses: tuple[str, ...]
    """At each visit, worked out by hand from the diameters and the clinical columns."""


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
        clinical={
            'steroid_mg': ('4', '4'),
            'kps': ('90', '80'),
            'rt_end_date': ('1905-02-02', '1905-02-02'),
        },
        info={'setting': 'newly_diagnosed'},
        criterion='rano2',
        # 126 days after radiotherapy, so that nothing has to confirm it.
        responses=('n/a', 'PD'),
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
        dates=('1905-02-14T08:45:00', '1905-05-09T11:00:00', '1905-08-01T09:10:00'),
        clinical={'steroid_mg': ('4', '2', '2'), 'kps': ('90', '90', '80')},
        info={'treatment_start': '1905-02-24'},
        criterion='rano_bm',
        # The longest diameters of M1, M2, M3 and M5 with M6 add up to 75 mm as they are painted, 47
        # without M3 and with the two parts (-37 %), 60 when M1 has grown by 13 mm (+26 %).
        responses=('n/a', 'PR', 'PD'),
        tumours=(
            Tumour(
                name='M1',
                offset=(-36.0, 34.0, 24.0),
                group='near cortex',
                diameters=(14.0, 14.0, 26.0),
                rim=3.5,
                oedema=(8.0, 8.0, 14.0),
            ),
            Tumour(
                name='M2',
                offset=(34.0, -44.0, 30.0),
                group='near cortex',
                diameters=(13.0, 13.0, 13.0),
                rim=0.0,
                oedema=(5.0, 5.0, 5.0),
            ),
            Tumour(
                name='M3',
                offset=(-24.0, -50.0, -42.0),
                group='cerebellum',
                diameters=(18.0, 0.0, 0.0),
                rim=0.0,
                oedema=(4.0, 0.0, 0.0),
            ),
            Tumour(
                name='M4',
                offset=(46.0, 0.0, 0.0),
                group='near cortex',
                diameters=(0.0, 0.0, 10.0),
                rim=0.0,
                oedema=(0.0, 0.0, 3.0),
            ),
            Tumour(
                name='M5',
                offset=(-30.0, -30.0, 34.0),
                group='white matter',
                diameters=(14.0, 9.5, 9.5),
                rim=0.0,
                oedema=(5.0, 3.0, 3.0),
            ),
            Tumour(
                name='M6',
                beside='M5',
                offset=(2.0, 12.2, 2.0),
                group='white matter',
                diameters=(13.0, 7.5, 7.5),
                rim=0.0,
                oedema=(5.0, 3.0, 3.0),
            ),
        ),
    ),
)
"""Everybody in the dataset."""
