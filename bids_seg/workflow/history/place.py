# SPDX-License-Identifier: Apache-2.0
"""All visits of a participant in one space: which visit stays, how the others come onto it."""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bids_seg import register, track
from bids_seg.errors import UserError
from bids_seg.image import Grid, Volume
from bids_seg.records import Registration, VisitAlignment, VisitSummary
from bids_seg.register import Heads, Matrix, Starts, Within
from bids_seg.workflow.history import kept
from bids_seg.workflow.history.job import FollowJob

logger = logging.getLogger(__name__)

METHOD = 'heads-2'
"""Changes with the way in which visits are registered, so that older results are made again."""
DIGITS = 5
"""Decimals of a transform that are kept, 0.001 mm at the rim of a head: the search ends in the
same place each time but for noise below them."""
_STARTS: tuple[Starts, ...] = ('headers', 'many')


@dataclass(frozen=True, eq=False, kw_only=True)
class Space:
    """The space in which the lesions of a participant are followed."""

    reference: str | None
    """Session of the visit that stays."""
    grid: Grid
    """Its voxels."""
    registrations: Mapping[str, Registration]
    """How each visit lies in it, by session."""

    def matrix(self, session: str) -> Matrix | None:
        """Return the way from this space to that of a visit, mm; None where it is not known.

        Parameters
        ----------
        session
            Key of the visit.
        """
        found = self.registrations.get(session)
        if found is None or found.matrix is None or found.failure:
            return None
        return np.array(found.matrix).reshape(4, 4)

    @property
    def several(self) -> bool:
        """Whether more than one visit lies in it; one alone needs no space of its own."""
        return sum(self.matrix(session) is not None for session in self.registrations) > 1

    @property
    def alignments(self) -> Mapping[str, VisitAlignment]:
        """Figures of the visits that were registered and may be used, by session."""
        return {
            session: one.figures
            for session, one in self.registrations.items()
            if one.figures is not None and not one.failure
        }


def usable(summaries: Sequence[VisitSummary]) -> list[VisitSummary]:
    """Return the visits whose lesions were measured.

    Parameters
    ----------
    summaries
        In order of time.
    """
    return [one for one in summaries if kept.files(one) and one.lesion_sets]


def space(
    out_dir: Path,
    summaries: Sequence[VisitSummary],
    job: FollowJob,
    *,
    earlier: Mapping[str, Registration],
) -> Space:
    """Bring all visits of a participant into one space.

    Parameters
    ----------
    out_dir
        Root of the output.
    summaries
        Visits whose lesions were measured, in order of time; at least one.
    job
        Says which visit stays.
    earlier
        Registrations of an earlier run: used where they were made from the same.

    Notes
    -----
    Registered on one thread: several add up in any order, and of two heads that differ much
    the last digit may decide where the search ends. The same input gives the same bytes.
    """
    first = summaries[0]
    if job.reference == 'first-lex':
        first = min(summaries, key=lambda one: kept.key(one.visit))
    fixed: Heads | None = None
    pairs: dict[str, Registration] = {}
    stay = _pairwise(earlier, kept.key(first.visit))
    for one in summaries:
        session = kept.key(one.visit)
        made_from = _digest(one, first, job)
        there = stay.get(session)
        if one is first:
            pairs[session] = _identity(made_from)
        elif there is not None and there.made_from == made_from:
            pairs[session] = there
        else:
            fixed = fixed or _heads(out_dir, first)
            pairs[session] = _register(out_dir, one, fixed, job, made_from)
    grid = kept.reference_image(out_dir, first).grid
    if job.reference == 'unbiased':
        pairs, grid = _between(pairs, grid)
    return Space(reference=first.visit.session, grid=grid, registrations=pairs)


def _pairwise(earlier: Mapping[str, Registration], first: str) -> dict[str, Registration]:
    """Return earlier registrations as they were before a mean space was put between them."""
    base = earlier.get(first)
    if base is None or base.matrix is None:
        return {}
    # Written with all digits and rounded as registrations are, so that nothing drifts.
    back = np.linalg.inv(np.array(base.matrix).reshape(4, 4))
    return {
        session: one
        if one.matrix is None
        else replace(one, matrix=_flat(np.round(np.array(one.matrix).reshape(4, 4) @ back, DIGITS)))
        for session, one in earlier.items()
    }


def _between(pairs: Mapping[str, Registration], grid: Grid) -> tuple[dict[str, Registration], Grid]:
    """Move the space of the first visit to the middle of all that could be registered."""
    matrices = {
        session: np.array(one.matrix).reshape(4, 4)
        for session, one in pairs.items()
        if one.matrix is not None and not one.failure
    }
    to_first = register.midpoint(list(matrices.values()), around=register.centre(grid))
    moved = {
        session: replace(one, matrix=_flat(matrices[session] @ to_first))
        if session in matrices
        else one
        for session, one in pairs.items()
    }
    affine = np.linalg.inv(to_first) @ grid.stored_affine
    return moved, Grid(grid.stored_shape, affine, 2)


def _identity(made_from: str) -> Registration:
    """Return how the visit that stays lies in its own space."""
    return Registration(made_from=made_from, matrix=_flat(np.eye(4)), figures=None)


def _register(
    out_dir: Path,
    one: VisitSummary,
    fixed: Heads,
    job: FollowJob,
    made_from: str,
) -> Registration:
    """Register a visit by its brain, else by its head; of tries that fail the least bad is told."""
    tries: list[Registration] = []
    for made in _tries(out_dir, one, fixed, job):
        tries.append(replace(made, made_from=made_from))
        if not made.failure:
            return tries[-1]
    least = min(tries, key=_n_faults)
    logger.warning(
        '%s: its lesions cannot be followed, it could not be registered (%s)',
        one.visit.name,
        least.failure,
    )
    return replace(least, matrix=None)


def _tries(
    out_dir: Path, one: VisitSummary, fixed: Heads, job: FollowJob
) -> Iterator[Registration]:
    """Register a visit in one way after the other, by brains before heads, and tell how it went."""
    last = Registration(made_from='', matrix=None, figures=None)
    try:
        moving = _heads(out_dir, one)
    except UserError as error:
        yield replace(last, failure=error.what)
        return
    masked = moving.brain is not None or fixed.brain is not None
    ways: tuple[Within, ...] = ('brain', 'head') if masked else ('head',)
    for within, starts in itertools.product(ways, _STARTS):
        last = replace(last, within=within)
        try:
            matrix, figures = register.head_to_head(
                moving, fixed, starts=starts, within=within, seed=job.seed
            )
        except UserError as error:
            yield replace(last, failure=error.what)
            continue
        yield replace(
            last,
            matrix=_flat(np.round(matrix, DIGITS)),
            figures=figures,
            failure='; '.join(track.faults(figures)),
        )


def _n_faults(made: Registration) -> float:
    """Return how many figures speak against a registration; without end where there are none."""
    return math.inf if made.figures is None else len(track.faults(made.figures))


def _heads(out_dir: Path, summary: VisitSummary) -> Heads:
    """Return the reference image and the brain of a visit."""
    return Heads(image=kept.reference_image(out_dir, summary), brain=kept.brain(out_dir, summary))


def _digest(one: VisitSummary, first: VisitSummary, job: FollowJob) -> str:
    """Return the SHA-256 of what a registration depends on."""
    parts = (METHOD, str(job.seed), *_made(first), *_made(one))
    return hashlib.sha256('\n'.join(parts).encode()).hexdigest()


def _made(summary: VisitSummary) -> tuple[str, ...]:
    """Return what the images of a visit were made from."""
    return kept.key(summary.visit), summary.settings_sha256, summary.input_sha256


def _flat(matrix: Matrix) -> tuple[float, ...]:
    """Return a matrix as 16 numbers, row by row."""
    return tuple(float(number) + 0.0 for number in matrix.ravel())


def carried(volume: Volume, matrix: Matrix) -> Volume:
    """Return a volume of a visit in the space of the participant, its voxels untouched."""
    return register.moved(volume, matrix)
