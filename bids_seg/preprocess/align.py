# SPDX-License-Identifier: Apache-2.0
"""Bringing one contrast of a visit onto another, and finding out when that failed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bids_seg import register
from bids_seg.errors import StageError
from bids_seg.image import Volume
from bids_seg.records import Alignment, Role
from bids_seg.register import Matrix, Rigid, Starts

AGREEMENT_MM = 2.0
"""Forward and reverse registration may differ by so much."""
LARGEST_TURN_DEG = 45.0
"""No head turns further between two series of one visit."""
HAIR = 0.002
"""Differences of normalised mutual information that mean nothing."""
WEAKEST_PEAK = 0.002
"""By how much 10 mm or 10 degrees away must be worse, for a position to mean something."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Movement:
    """How an image is brought onto the reference."""

    matrix: Matrix
    """From reference mm to moving mm, RAS+."""
    alignment: Alignment
    """The same in words and figures."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Pair:
    """Both images at working resolution, whose they are, and what registration is given."""

    moving: Volume
    fixed: Volume
    roles: tuple[Role, Role]
    seed: int
    threads: int

    def information(self, matrix: Matrix) -> float:
        """Return the normalised mutual information under a transform."""
        return register.mutual_information(self.moving, self.fixed, matrix=matrix)


def align(
    moving: Volume, fixed: Volume, *, roles: tuple[Role, Role], seed: int = 1, threads: int = 1
) -> Movement:
    """Return how one image is brought onto another one of the same visit.

    On one grid and in agreement: identity. Else a registration that begins from the headers;
    if that fails its checks, one with many starts; if that fails too, the headers, accepted
    only where the images agree there better than anywhere around.

    Parameters
    ----------
    moving
        The image to be moved.
    fixed
        The reference.
    roles
        Of both, the moving one first.
    seed
        Of the registration.
    threads
        Of ITK.
    """
    pair = _Pair(
        moving=register.small(moving),
        fixed=register.small(fixed),
        roles=roles,
        seed=seed,
        threads=threads,
    )
    stay = np.eye(4)
    before = pair.information(stay)
    if moving.grid.same(fixed.grid) and _peak(pair, stay, 1.0) <= before + HAIR:
        return _movement(pair, stay, 'identity', before, before)
    reasons: list[str] = []
    attempts: tuple[Starts, ...] = ('headers', 'many')
    for starts in attempts:
        try:
            found = register.rigid(
                pair.moving, pair.fixed, starts=starts, seed=pair.seed, threads=pair.threads
            )
        except StageError as error:
            reasons.append(error.what)
            continue
        after = pair.information(found.matrix)
        reason = _objection(pair, found, before, after)
        if not reason:
            return _movement(pair, found.matrix, 'rigid', before, after, found=found)
        reasons.append(reason)
    return _fall_back(pair, before, reasons[-1])


def _objection(pair: _Pair, found: Rigid, before: float, after: float) -> str:
    """Return why a registration is not believed; empty if it is."""
    if found.disagreement_mm > AGREEMENT_MM:
        return (
            f'forward and reverse registration differ by {found.disagreement_mm:.1f} mm '
            f'(limit {AGREEMENT_MM:g} mm)'
        )
    if found.rotation_deg > LARGEST_TURN_DEG:
        return f'registration turned the image by {found.rotation_deg:.0f} degrees'
    if after < before - HAIR:
        return f'agreement fell from {before:.3f} to {after:.3f} by the registration'
    if after - _peak(pair, found.matrix, 10.0) < WEAKEST_PEAK:
        return 'the images agree no better there than 10 mm beside it'
    return ''


def _fall_back(pair: _Pair, before: float, reason: str) -> Movement:
    """Trust the headers if the images agree there, else refuse the image."""
    stay = np.eye(4)
    agree = before - _peak(pair, stay, 10.0) >= WEAKEST_PEAK
    note = f'registration failed: {reason}; '
    note += (
        'the positions in the headers were used, where the images agree'
        if agree
        else 'by the positions in the headers they do not agree either, so the image is left out'
    )
    return _movement(pair, stay, 'header', before, before, note=note, accepted=agree)


def _peak(pair: _Pair, matrix: Matrix, step: float) -> float:
    """Return the best agreement `step` mm or degrees away along and about the three axes."""
    middle = register.centre(pair.fixed.grid)
    best = 0.0
    for axis in range(3):
        for sign in (-1.0, 1.0):
            shift = np.eye(4)
            shift[axis, 3] = sign * step
            angles = [0.0, 0.0, 0.0]
            angles[axis] = sign * math.radians(step)
            turn = register.rotation((angles[0], angles[1], angles[2]), about=middle)
            best = max(best, pair.information(matrix @ shift), pair.information(matrix @ turn))
    return best


def _movement(
    pair: _Pair,
    matrix: Matrix,
    method: Literal['identity', 'rigid', 'header'],
    before: float,
    after: float,
    *,
    found: Rigid | None = None,
    note: str = '',
    accepted: bool = True,
) -> Movement:
    """Put figures and matrix together."""
    middle = register.centre(pair.fixed.grid)
    shift = (matrix @ np.append(middle, 1.0))[:3] - middle
    alignment = Alignment(
        moving=pair.roles[0],
        fixed=pair.roles[1],
        method=method,
        rotation_deg=0.0 if found is None else round(found.rotation_deg, 3),
        translation_mm=round(float(np.linalg.norm(shift)), 3),
        mutual_information=round(after, 4),
        mutual_information_before=round(before, 4),
        disagreement_mm=None if found is None else round(found.disagreement_mm, 3),
        accepted=accepted,
        note=note,
    )
    return Movement(matrix=matrix, alignment=alignment)
