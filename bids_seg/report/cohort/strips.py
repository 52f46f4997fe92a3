# SPDX-License-Identifier: Apache-2.0
"""Strip plots: how volumes and counts spread over the visits."""

from __future__ import annotations

import html
import statistics
from collections.abc import Mapping, Sequence

from bids_seg.report.cohort.visits import GroupVisit
from bids_seg.report.wording import number

STRIPS: Mapping[str, tuple[str, float]] = {
    'wt_mm3': ('whole lesion with oedema (WT), mL', 1000.0),
    'tc_mm3': ('tumour core (TC), mL', 1000.0),
    'et_mm3': ('enhancing tumour (ET), mL', 1000.0),
    'brain_mm3': ('brain, mL', 1000.0),
    'n_lesions': ('lesions', 1.0),
}
"""Columns of the visits' table that get a strip plot: title and divisor."""
FEWEST_DOTS = 3
"""Visits that a strip plot is worth drawing for."""
WIDTH, HEIGHT = 420.0, 74.0
"""Size of a strip plot, units."""
SIDE = 14.0
"""Its margin, units."""


def strip(values: Sequence[tuple[str, float]], title: str) -> str:
    """Return a strip plot as SVG: one dot for each value, a line at the median.

    Parameters
    ----------
    values
        Name and value of each visit; at least one.
    title
        What they are, with the unit.

    Examples
    --------
    >>> strip([('sub-01', 1.0), ('sub-02', 3.0)], 'lesions').count('<circle')
    2
    """
    numbers = [value for _, value in values]
    middle = statistics.median(numbers)
    low = 0.0 if min(numbers) < 0.5 * max(numbers) else min(numbers)
    high = max(numbers) if max(numbers) > low else low + 1

    def across(value: float) -> float:
        return SIDE + (value - low) / (high - low) * (WIDTH - 2 * SIDE)

    # Counts fall on few places: they are shaken sideways too.
    shake = 0.6 if all(value == int(value) for value in numbers) and high - low < 60 else 0.0
    radius, ink = (3.4, 0.5) if len(values) < 100 else (2.6, 0.3)
    dots = []
    for rank, (name, value) in enumerate(values):
        x = across(value) + (rank * 0.7549 % 1 - 0.5) * shake * (across(low + 1) - across(low))
        # Neighbours in the table get different heights, the same ones every time.
        y = 12 + (rank * 0.618 % 1) * (HEIGHT - 46)
        dots.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="currentColor" '
            f'fill-opacity="{ink}"><title>{html.escape(name)}: {value:.4g}</title></circle>'
        )
    alt = (
        f'{title}: {len(numbers)} visits, median {middle:.4g}, from {min(numbers):.4g} '
        f'to {max(numbers):.4g}'
    )
    letter = 'font-size="13" fill="currentColor" font-family="system-ui, sans-serif"'
    base = HEIGHT - 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="{html.escape(alt)}"><path d="M{SIDE} {base}H{WIDTH - SIDE}" '
        f'stroke="currentColor" stroke-opacity=".3"/>{"".join(dots)}'
        f'<path d="M{across(middle):.1f} 4V{base + 4}" stroke="currentColor" stroke-width="2"/>'
        f'<text x="{SIDE}" y="{HEIGHT - 6}" {letter}>{low:.4g}</text>'
        f'<text x="{WIDTH - SIDE}" y="{HEIGHT - 6}" {letter} text-anchor="end">{high:.4g}</text></svg>'
    )


def strips(visits: Sequence[GroupVisit]) -> list[tuple[str, str, str]]:
    """Return title, picture and caption of the columns that have values, by disease.

    Parameters
    ----------
    visits
        All visits of the group.
    """
    made = []
    diseases = sorted({visit.disease for visit in visits if visit.disease})
    for column, (title, divisor) in STRIPS.items():
        # The brain does not depend on the disease: each visit counts once.
        for disease in [''] if column == 'brain_mm3' else diseases or ['']:
            values = {
                visit.name: value / divisor
                for visit in visits
                if visit.status == 'complete'
                and disease in {'', visit.disease}
                and (value := number(visit.row.get(column))) is not None
            }
            if len(values) >= FEWEST_DOTS:
                whose = f'{disease}, ' if disease and len(diseases) > 1 else ''
                middle = statistics.median(values.values())
                picture = strip(list(values.items()), whose + title)
                made.append(
                    (whose + title, picture, f'median {_brief(middle)}, {len(values)} visits')
                )
    return made


def _brief(value: float) -> str:
    """Return a number with three digits, large ones whole.

    Examples
    --------
    >>> _brief(1508.6), _brief(8.888), _brief(0)
    ('1509', '8.89', '0')
    """
    return f'{value:.0f}' if abs(value) >= 100 else f'{value:.3g}'
