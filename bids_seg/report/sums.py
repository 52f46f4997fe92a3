# SPDX-License-Identifier: Apache-2.0
"""The sum over targets through time, with the heights at which it is PR and PD."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Literal

from bids_seg.records import CriterionInForce
from bids_seg.report import chart, history
from bids_seg.report.chart import Scale
from bids_seg.report.clock import Clock
from bids_seg.report.history import Account

PLOT = 210.0
"""Height of the plot, pixels."""
LINES: Mapping[str, str] = {'PR': 'var(--pr, #1f6fa8)', 'PD': 'var(--pd, #b2182b)'}
"""Colours of the limits, which are lighter on a dark page."""
STEPS: Mapping[str, float] = {'ld': 10.0, 'product': 100.0, 'volume': 1000.0}
"""Recorded steps of a sum in one unit of the plot."""
UNITS: Mapping[str, str] = {'ld': 'mm', 'product': 'mm²', 'volume': 'mL'}
"""Units of the plot."""
INKS: Mapping[str, str] = {
    'CR': '#1d6b3c', 'PR': '#2c7fb8', 'MR': '#5a8fae', 'SD': '#6b6b6b', 'PD': '#b2182b', 'PD_prelim': '#b2182b',
}  # fmt: skip
"""Colours of responses; their letters say the same."""


def plot(
    account: Account,
    criterion: CriterionInForce,
    time: Clock,
    y: float,
    *,
    ends: tuple[float, float],
    narrow: bool,
) -> list[str]:
    """Return the sum over targets with the lines of PR and PD.

    Parameters
    ----------
    account, criterion
        What is drawn.
    time
        The axis.
    y
        Upper end, pixels.
    ends
        Left and right end, pixels.
    narrow
        Whether there is no room beside the plot.
    """
    measure, rows, baseline = criterion.measure, account.rows, account.baseline
    start = rows[baseline].aggregate if baseline is not None else None
    if start is None or baseline is None:
        said = 'No measurable lesion at baseline: no sum over targets.'
        return [chart.text((ends[0] + 12, y + PLOT / 2), said)]
    known = [
        (i, row.aggregate / STEPS[measure])
        for i, row in enumerate(rows)
        if row.aggregate is not None
    ]
    partial = start / STEPS[measure] * (1 - criterion.partial_pct / 100)
    steps = _progression_line(account, criterion, time)
    shown = chart.ticks(max([value for _, value in known] + [level for _, level in steps]))
    scale = Scale(low=0, high=shown[-1], start=y + PLOT, end=y + 8)
    drawn = []
    for value in shown:
        at = scale.at(value)
        drawn.append(chart.line([(ends[0], at), (ends[1], at)], width=1, opacity=0.14))
        drawn.append(chart.text((ends[0] - 8, at + 4), f'{value:g}', anchor='end', size=12))
    anchor: Literal['middle', 'end'] = 'middle' if narrow else 'end'
    drawn.append(chart.text((ends[0] - 8, y - 4), f'sum, {UNITS[measure]}', anchor=anchor, size=11))
    flat = [(time.x(baseline), scale.at(partial)), (ends[1], scale.at(partial))]
    drawn.append(chart.line(flat, ink=LINES['PR'], dash='7 5'))
    moving = [(x, scale.at(level)) for x, level in steps]
    drawn.append(chart.line(moving, ink=LINES['PD'], dash='3 3', width=1.8))
    drawn += _curve(known, time, scale)
    if not narrow:
        lines = [scale.at(partial), *(scale.at(level) for _, level in steps[-1:])]
        heights = chart.spaced(lines, gap=15, low=y + 10, high=y + PLOT)
        for (said, ink), height in zip(limits(account, criterion), heights, strict=True):
            drawn.append(chart.text((ends[1] + 10, height + 4), said, size=12, ink=ink))
    values = dict(known)
    for place_of, mark in _marks(account):
        if place_of in values:
            below = (time.x(place_of), scale.at(values[place_of]) + 22)
            drawn.append(chart.text(below, mark, anchor='middle', size=11))
    return drawn


def limits(account: Account, criterion: CriterionInForce) -> list[tuple[str, str]]:
    """Return the sums that are PR and PD at the next visit, in words, with their colours.

    Parameters
    ----------
    account, criterion
        What is drawn.
    """
    baseline, measure = account.baseline, criterion.measure
    start = None if baseline is None else account.rows[baseline].aggregate
    if start is None:
        return []
    # Whole recorded steps: what a reader would have to measure to reach a limit.
    least = (100 - criterion.partial_pct) * start // 100
    found = [(f'PR: {history.total(least, measure)} or less', LINES['PR'])]
    nadirs = [row.nadir_aggregate for row in account.rows if row.nadir_aggregate is not None]
    if nadirs:
        most = -(-(100 + criterion.progression_pct) * nadirs[-1] // 100)
        found.append((f'PD: {history.total(most, measure)} or more', LINES['PD']))
    return found


def _progression_line(
    account: Account, criterion: CriterionInForce, time: Clock
) -> list[tuple[float, float]]:
    """Return the corners of the line from which on a sum is PD: it moves with the nadir."""
    corners: list[tuple[float, float]] = []
    before: int | None = account.baseline
    for place, row in enumerate(account.rows):
        if row.nadir_aggregate is None or before is None or place <= before:
            continue
        level = (
            row.nadir_aggregate / STEPS[criterion.measure] * (1 + criterion.progression_pct / 100)
        )
        corners += [(time.x(before), level), (time.x(place), level)]
        before = place
    return corners


def _curve(known: Sequence[tuple[int, float]], time: Clock, scale: Scale) -> list[str]:
    """Return the sums joined by lines, dashed across visits where it is not known."""
    drawn = []
    for (one, first), (other, second) in itertools.pairwise(known):
        ends = [(time.x(one), scale.at(first)), (time.x(other), scale.at(second))]
        drawn.append(chart.line(ends, width=2.4, dash='' if other == one + 1 else '5 4'))
    points = [(time.x(place), scale.at(value)) for place, value in known]
    drawn += [chart.dot(at, radius=5) for at in points]
    decimals = 2 if scale.high < 10 else 1
    said = [f'{value:.{decimals}f}' for _, value in known]
    # Where visits are close, the latest and the first keep their numbers; all are in the table.
    for index in chart.clear([(x, y - 11) for x, y in points], said, first=(-1, 0)):
        x, y = points[index]
        drawn.append(chart.haloed((x, y - 11), said[index]))
    return drawn


def _marks(account: Account) -> list[tuple[int, str]]:
    """Return what single sums are: the nadir of the latest visit; the baseline is named above."""
    found: dict[int, str] = {}
    last = account.answer
    nadir = (
        None if last is None or last.nadir_aggregate is None else account.place(last.nadir_session)
    )
    if nadir is not None:
        found[nadir] = 'nadir'
    return list(found.items())
