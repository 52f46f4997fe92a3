# SPDX-License-Identifier: Apache-2.0
"""Small heads with a tumour, drawn from ellipsoids, and datasets of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

SHAPE, SPACING = (64, 60, 40), 3.0
"""192 x 180 x 120 mm, three different sides."""

GREY = {
    'T1w': {'scalp': 900, 'bone': 90, 'grey': 420, 'white': 560, 'oedema': 400, 'rim': 430},
    'T1wCE': {'scalp': 950, 'bone': 90, 'grey': 430, 'white': 570, 'oedema': 420, 'rim': 1200},
    'T2w': {'scalp': 500, 'bone': 60, 'grey': 520, 'white': 380, 'oedema': 900, 'rim': 700},
    'FLAIR': {'scalp': 500, 'bone': 60, 'grey': 480, 'white': 400, 'oedema': 950, 'rim': 650},
}
"""Grey values of tissues in each contrast."""


def affine() -> np.ndarray:
    """Return the affine of a head whose centre lies near the origin."""
    made = np.diag([SPACING, SPACING, SPACING, 1.0])
    made[:3, 3] = [-SPACING * (size - 1) / 2 for size in SHAPE]
    return made


def head(role: str, *, radius_mm: float = 14.0, skull: bool = True, seed: int = 1) -> np.ndarray:
    """Return the grey values of a head, int16."""
    places = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing='ij'), axis=-1)
    at = places * SPACING + affine()[:3, 3]
    grey = GREY[role]
    values = np.zeros(SHAPE)
    scaled = [np.linalg.norm(at / axes, axis=-1) for axes in _SHELLS]
    names = ('scalp', 'bone', 'grey', 'white') if skull else ('', '', 'grey', 'white')
    for inside, name in zip(scaled, names, strict=True):
        if name:
            values[inside < 1] = grey[name]
    far = np.linalg.norm(at - [25, 10, 8], axis=-1)
    values[far < radius_mm + 8] = grey['oedema']
    values[far < radius_mm] = grey['rim']
    noise = np.random.default_rng(seed).normal(0, 12, SHAPE)
    return np.where(values > 0, np.clip(values + noise, 1, None), 0).astype(np.int16)


_SHELLS = ([88, 84, 57], [82, 78, 52], [76, 72, 47], [58, 54, 35])
"""Half axes of scalp, bone, grey and white matter, mm."""


def scan(role: str, **how: Any) -> Mapping[str, Any]:
    """Return an image for `make_dataset`."""
    return {'data': head(role, **how), 'affine': affine()}


def visit(
    participant: str, session: str | None, roles: tuple[str, ...], **how: Any
) -> dict[str, Any]:
    """Return the files of one visit for `make_dataset`."""
    name = f'sub-{participant}' + (f'_ses-{session}' if session else '')
    folder = f'sub-{participant}/' + (f'ses-{session}/' if session else '') + 'anat'
    ends = {'T1wCE': 'ce-gadolinium_T1w'}
    return {
        f'{folder}/{name}_{ends.get(role, role)}.nii.gz': scan(role, seed=number + 1, **how)
        for number, role in enumerate(roles)
    }
