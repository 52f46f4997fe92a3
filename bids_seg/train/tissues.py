# SPDX-License-Identifier: Apache-2.0
"""The table of tissues: what the values of a label map mean, and how bright each class may be.

The label maps number tissues as FreeSurfer does, those outside the brain as the head atlas of
SimNIBS does (values from 501). A head is stored as indices into `TISSUES`, and intensities of a
sample are a table with one entry for each tissue, so that painting is one gather.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]
Contrast = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissue:
    """One painting class."""

    name: str
    """Unique name."""
    values: tuple[int, ...]
    """Values of the label map; empty where the class is cut out of another one by geometry."""
    row: str
    """Row of `BRIGHTNESS` that says how bright the class is in the known contrasts."""
    twin: str = ''
    """The same tissue on the other side, which mostly is as bright; empty where there is none."""


def _tissue(name: str, row: str, *values: int, twin: str = '') -> Tissue:
    """Shorten the table below."""
    return Tissue(name=name, values=values, row=row, twin=twin)


TISSUES: tuple[Tissue, ...] = (
    _tissue('air', 'air', 0),
    _tissue('white matter left', 'white matter', 2),
    _tissue('white matter right', 'white matter', 41, twin='white matter left'),
    _tissue('cortex left', 'cortex', 3),
    _tissue('cortex right', 'cortex', 42, twin='cortex left'),
    _tissue('cerebellar white matter left', 'white matter', 7),
    _tissue(
        'cerebellar white matter right', 'white matter', 46, twin='cerebellar white matter left'
    ),
    _tissue('cerebellar cortex left', 'cortex', 8),
    _tissue('cerebellar cortex right', 'cortex', 47, twin='cerebellar cortex left'),
    _tissue('thalamus', 'deep grey', 10, 49),
    _tissue('striatum', 'deep grey', 11, 12, 26, 50, 51, 58),
    _tissue('pallidum', 'pallidum', 13, 52),
    _tissue('limbic', 'cortex', 17, 18, 53, 54),
    _tissue('stem', 'stem', 16, 28, 60),
    _tissue('ventricle left', 'csf', 4, 5),
    _tissue('ventricle right', 'csf', 43, 44, twin='ventricle left'),
    _tissue('middle ventricles', 'csf', 14, 15, 72),
    _tissue('choroid', 'choroid', 136, 137, 163, 164),
    _tissue('csf', 'csf', 24),
    _tissue('outer csf', 'csf'),  # 24 within 1 mm of its outer edge: dura or fluid
    _tissue('second csf', 'csf'),  # 24 at 1-2 mm from its outer edge: thick dura or fluid
    _tissue('falx', 'csf'),  # 24 half way between the hemispheres
    _tissue('tentorium', 'csf'),  # 24 half way between cerebrum and cerebellum
    _tissue('white matter lesion', 'white matter lesion', 25, 57),
    _tissue('small vessel', 'white matter', 30, 62),  # mostly perivascular spaces: hardly seen
    _tissue('optic nerve', 'white matter', 85, 530),
    _tissue('artery', 'vessel', 502),
    _tissue('vein', 'vessel', 514),
    _tissue('eye', 'eye', 506),
    _tissue('eye muscle', 'muscle', 508),
    _tissue('mucosa', 'mucosa', 509),
    _tissue('outer soft tissue', 'fat', 507),  # 507 near the skin; the rest is split off
    _tissue('inner soft tissue', 'muscle'),
    _tissue('skin', 'muscle', 511),
    _tissue('cord', 'stem', 512),
    _tissue('bone', 'bone', 515),
    _tissue('marrow', 'fat', 516),
    # Never in a head: what `split` makes of soft tissue where its noise says so.
    _tissue('fat', 'fat'),
    _tissue('muscle', 'muscle'),
    _tissue('pocket', 'air'),
    # Never in a head: what a sample may turn the outer layers of the fluid into.
    _tissue('dura', 'dura'),
)
"""All painting classes; a head stores positions in this tuple. Fewer than 64 (see `heads`)."""

INDEX: dict[str, int] = {tissue.name: index for index, tissue in enumerate(TISSUES)}
"""Index of each tissue by its name."""

GROUPS: dict[str, tuple[str, ...]] = {
    'white matter': ('white matter left', 'white matter right', 'white matter lesion'),
    'left': ('white matter left', 'cortex left', 'ventricle left'),
    'right': ('white matter right', 'cortex right', 'ventricle right'),
    'cortex': ('cortex left', 'cortex right', 'limbic'),
    'deep grey': ('thalamus', 'striatum', 'pallidum'),
    'stem': ('stem',),
    'cerebellum': (
        'cerebellar white matter left',
        'cerebellar white matter right',
        'cerebellar cortex left',
        'cerebellar cortex right',
    ),
    'ventricle': ('ventricle left', 'ventricle right', 'middle ventricles', 'choroid'),
    'fluid': ('csf', 'outer csf', 'second csf', 'falx', 'tentorium'),
    'vessel': ('artery', 'vein'),
    'brain': (
        *('white matter left', 'white matter right', 'cortex left', 'cortex right'),
        *('cerebellar white matter left', 'cerebellar white matter right'),
        *('cerebellar cortex left', 'cerebellar cortex right'),
        *('thalamus', 'striatum', 'pallidum', 'limbic', 'stem', 'white matter lesion'),
        *('ventricle left', 'ventricle right', 'middle ventricles', 'choroid', 'small vessel'),
    ),
}
"""Named sets of tissues that lesions and masks ask for."""

SOURCE_OFFSET = 300
"""What a label map may have subtracted from values above 501 so that they fit 8 bits."""

LESION_TISSUES: tuple[str, ...] = (
    'oedema',
    'core',
    'enhancing',
    'necrosis',
    'cavity',
    'blood',
    'bright vessel',
)
"""Rows of `BRIGHTNESS` that planted lesions are painted with, in the order of their weights."""

CONTRASTS: tuple[Contrast, ...] = ('T1wCE', 'T1w', 'T2w', 'FLAIR')
"""Known contrasts, in the order of the glioma network's channels."""


def _row(t1: Range, t1c: Range, t2: Range, flair: Range) -> dict[Contrast, Range]:
    """Shorten the table below, which is written in the order of the design page."""
    return {'T1w': t1, 'T1wCE': t1c, 'T2w': t2, 'FLAIR': flair}


BRIGHTNESS: dict[str, dict[Contrast, Range]] = {
    'white matter': _row((1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)),
    'cortex': _row((0.62, 0.90), (0.65, 0.92), (1.15, 1.7), (1.05, 1.45)),
    'deep grey': _row((0.75, 0.97), (0.75, 0.98), (0.9, 1.4), (0.95, 1.25)),
    'pallidum': _row((0.80, 1.0), (0.80, 1.0), (0.6, 1.0), (0.7, 1.0)),
    'stem': _row((0.85, 1.02), (0.85, 1.02), (0.95, 1.25), (0.9, 1.2)),
    'csf': _row((0.12, 0.40), (0.12, 0.40), (2.2, 4.5), (0.08, 0.5)),
    'eye': _row((0.12, 0.45), (0.12, 0.45), (2.0, 4.5), (0.1, 0.8)),
    'choroid': _row((0.5, 0.9), (1.1, 2.2), (1.5, 3.0), (0.8, 1.5)),
    'vessel': _row((0.2, 1.4), (1.2, 2.6), (0.1, 0.6), (0.1, 0.8)),
    'dura': _row((0.4, 0.9), (0.9, 1.9), (0.3, 0.8), (0.5, 1.2)),
    'mucosa': _row((0.6, 1.0), (1.2, 2.3), (1.5, 3.0), (1.0, 2.0)),
    'fat': _row((1.0, 2.2), (1.0, 2.2), (0.8, 2.0), (0.5, 1.6)),
    'suppressed fat': _row((0.2, 0.6), (0.2, 0.6), (0.2, 0.6), (0.2, 0.6)),
    'muscle': _row((0.5, 1.0), (0.6, 1.2), (0.4, 1.0), (0.5, 1.0)),
    'bone': _row((0.0, 0.25), (0.0, 0.25), (0.0, 0.2), (0.0, 0.2)),
    'air': _row((0.0, 0.05), (0.0, 0.05), (0.0, 0.05), (0.0, 0.05)),
    'white matter lesion': _row((0.75, 0.95), (0.75, 0.95), (1.4, 2.2), (1.2, 1.9)),
    # Far from the core infiltration fades: it may be no brighter than cortex is.
    'oedema': _row((0.68, 0.97), (0.65, 0.97), (1.2, 2.8), (1.15, 2.4)),
    'core': _row((0.55, 0.90), (0.55, 0.95), (1.4, 3.0), (1.1, 2.2)),
    'enhancing': _row((0.6, 1.0), (1.12, 2.5), (1.0, 2.4), (1.0, 2.2)),
    'necrosis': _row((0.30, 0.75), (0.28, 0.75), (1.5, 4.2), (0.25, 1.1)),
    'solid necrosis': _row((0.30, 0.75), (0.28, 0.75), (1.5, 4.2), (1.0, 2.2)),
    'cavity': _row((0.10, 0.48), (0.10, 0.48), (1.8, 5.0), (0.1, 0.9)),
    'fresh blood': _row((0.7, 1.0), (0.7, 1.0), (0.3, 0.8), (0.5, 1.2)),
    'old blood': _row((1.3, 2.2), (1.3, 2.2), (0.4, 3.0), (0.6, 2.0)),
    'scar': _row((0.3, 0.6), (0.3, 0.6), (0.1, 0.4), (0.1, 0.4)),
    'bright vessel': _row((0.2, 1.4), (1.2, 2.6), (0.1, 0.6), (0.1, 0.8)),
}
"""Brightness of each row relative to white matter in each known contrast (lowest, highest).

Wide on purpose: tumour examinations at 1-3 T. No range was chosen by a score on real images.
"""


def members(group: str) -> tuple[int, ...]:
    """Return the indices of the tissues of a group.

    Parameters
    ----------
    group
        A key of `GROUPS`.

    Returns
    -------
    tuple of int
        Positions in `TISSUES`.

    Examples
    --------
    >>> members('stem')
    (13,)
    """
    return tuple(INDEX[name] for name in GROUPS[group])


def table(values: Mapping[str, float], default: float = 0.0) -> NDArray[np.float32]:
    """Return one number for each tissue, to be looked up by label.

    Parameters
    ----------
    values
        Numbers by group or tissue; a tissue's own number beats that of its group.
    default
        Number of the tissues that are not named.

    Returns
    -------
    ndarray (T,)
        Numbers in the order of `TISSUES`.

    Examples
    --------
    >>> float(table({'stem': 0.5})[INDEX['stem']])
    0.5
    """
    out = np.full(len(TISSUES), default, np.float32)
    for name in sorted(values, key=lambda name: name in INDEX):
        for index in (INDEX[name],) if name in INDEX else members(name):
            out[index] = values[name]
    return out


def source_table() -> NDArray[np.uint8]:
    """Return the tissue of every value that a label map may hold.

    Returns
    -------
    ndarray (1024,)
        Index into `TISSUES` by value; values that nobody knows are air. Values above 501 are
        known with and without `SOURCE_OFFSET`.
    """
    out = np.zeros(1024, np.uint8)
    for index, tissue in enumerate(TISSUES):
        for value in tissue.values:
            out[value] = index
            if value > 501:
                out[value - SOURCE_OFFSET] = index
    return out
