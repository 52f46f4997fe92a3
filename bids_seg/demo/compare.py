# SPDX-License-Identifier: Apache-2.0
"""How the masks of a run compare with the truth of the made dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HEADER = ('visit', 'region', 'Dice', 'found mL', 'true mL', 'lesions found', 'missed', 'false')


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One region of one visit."""

    visit: str
    """As in `sub-glioma_ses-01`."""
    region: str
    """brain, WT, TC or ET."""
    dice: float
    """Overlap, 0..1."""
    found_ml: float
    """Volume of the mask of the run."""
    true_ml: float
    """Volume of the truth."""
    lesions: tuple[int, int, int] | None
    """Found, missed and false ones; None for the brain and for gliomas, which are one piece."""


def rows(output: Path, truth: Path) -> tuple[Row, ...]:
    """Return the comparison of every region that both sides hold.

    Parameters
    ----------
    output
        Root of the run's derivatives.
    truth
        Root of the truth.

    Raises
    ------
    NothingToDoError
        If there is nothing to compare.
    """
    from bids_seg.evaluate.compare import aligned
    from bids_seg.evaluate.lesionwise import lesionwise
    from bids_seg.evaluate.overlap import dice
    from bids_seg.evaluate.pairs import mask_files, pair

    made = []
    for each in pair(mask_files(output, {}), mask_files(truth, {})):
        reference, prediction, _ = aligned(each)
        there, found, grid = reference.array, prediction.array, reference.grid
        lesions = None
        if each.disease == 'metastases':
            scores = lesionwise(found, there, affine=grid.affine)
            n_there, n_found = scores['n_reference'].value, scores['n_prediction'].value
            hits = round(scores['sensitivity_any'].top)
            lesions = (hits, round(n_there) - hits, round(n_found) - hits)
        made.append(
            Row(
                visit=f'sub-{each.participant}_ses-{each.session}',
                region=each.region,
                dice=dice(found, there),
                found_ml=float(found.sum()) * grid.voxel_mm3 / 1000,
                true_ml=float(there.sum()) * grid.voxel_mm3 / 1000,
                lesions=lesions,
            )
        )
    return tuple(sorted(made, key=_order))


def table(compared: Sequence[Row]) -> str:
    """Return rows as a table to be read on a terminal.

    Parameters
    ----------
    compared
        What `rows` gives.

    Examples
    --------
    >>> row = Row(visit='a', region='TC', dice=0.5, found_ml=1, true_ml=2, lesions=(1, 2, 0))
    >>> print(table([row]).splitlines()[1])
    a      TC      0.500       1.0      2.0              1       2      0
    """
    cells: list[tuple[str, ...]] = [HEADER]
    for row in compared:
        counts = ('', '', '') if row.lesions is None else tuple(map(str, row.lesions))
        figures = (f'{row.dice:.3f}', f'{row.found_ml:.1f}', f'{row.true_ml:.1f}')
        cells.append((row.visit, row.region, *figures, *counts))
    widths = [max(len(line[place]) for line in cells) for place in range(len(HEADER))]
    lines = []
    for line in cells:
        left = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True)]
        lines.append('  '.join((*left, *right)).rstrip())
    return '\n'.join(lines) + '\n'


def _order(row: Row) -> tuple[str, int]:
    """Sort by visit, then from outside inwards."""
    return row.visit, ('brain', 'WT', 'TC', 'ET').index(row.region)
